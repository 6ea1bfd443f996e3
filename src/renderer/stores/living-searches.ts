// Searches that are not over, of all projects: under way, waiting for their turn or hours, paused. Followed by event.
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { StudyCard } from '#shared/contract/studies.ts'
import { api } from '../api.ts'

/** A search tells of every trial; who looks at lists needs it less often. */
const gatherMs = 1000

export const useLivingSearches = defineStore('living-searches', () => {
  const searches = shallowRef<readonly StudyCard[]>([])
  let isDue = false

  async function load(): Promise<void> {
    const reply = await api.call('studies.list', { isLiving: true })
    if (reply.ok) searches.value = reply.value.studies
  }
  function loadSoon(): void {
    if (isDue) return
    isDue = true
    setTimeout(() => {
      isDue = false
      void load()
    }, gatherMs)
  }

  api.on('studies.changed', loadSoon)
  api.on('journal.changed', ({ isExchanged }) => isExchanged && void load())

  const paused = computed(() => searches.value.filter(({ status }) => status === 'paused'))
  const ofProject = (projectId: string): readonly StudyCard[] =>
    searches.value.filter((search) => search.projectId === projectId)
  return { searches, paused, load, ofProject }
})

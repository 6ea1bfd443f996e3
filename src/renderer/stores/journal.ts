// How the journal stands: asked for at the start, and again whenever it was checked, backed up or exchanged.
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { JournalState } from '#shared/contract/archive.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../api.ts'

export const useJournal = defineStore('journal', () => {
  const state = shallowRef<JournalState | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const damage = computed(() => state.value?.damage ?? null)
  /** How often another file took the journal's place: what was shown before is of the one that is gone. */
  const exchanges = ref(0)

  async function load(): Promise<void> {
    const reply = await api.call('journal.get', {})
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) state.value = reply.value
  }

  api.on('journal.changed', ({ isExchanged }) => {
    if (isExchanged) exchanges.value += 1
    void load()
  })

  return { state, problem, damage, exchanges, load }
})

// The one queue of runs and searches: what works, what waits and why. Followed by event; asked once when it is first used.
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { QueueItem } from '#shared/contract/studies.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../api.ts'

export const useQueue = defineStore('queue', () => {
  const items = shallowRef<readonly QueueItem[]>([])
  const problem = shallowRef<Problem | null>(null)

  async function load(): Promise<void> {
    const reply = await api.call('queue.list', {})
    if (reply.ok) items.value = reply.value.items
  }

  async function move({ kind, id }: QueueItem, by: 1 | -1): Promise<void> {
    const reply = await api.call('queue.move', { kind, id, by })
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) await load()
  }
  async function takeOut({ kind, id }: QueueItem): Promise<void> {
    const reply = await api.call('queue.remove', { kind, id })
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) await load()
  }

  api.on('queue.changed', (changed) => {
    items.value = changed.items
  })
  api.on('journal.changed', ({ isExchanged }) => isExchanged && void load())

  const running = computed(() => items.value.filter(({ state }) => state === 'running'))
  const waiting = computed(() => items.value.filter(({ state }) => state === 'waiting'))
  return { items, running, waiting, problem, load, move, takeOut }
})

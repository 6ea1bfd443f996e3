// The storage as the screen knows it: listed with sizes, and moved to the bin.
import { ref, shallowRef } from 'vue'
import type { CallOutput } from '#shared/contract/contract.ts'
import type { StorageItem } from '#shared/contract/system.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { inBatches } from './storage-list.ts'

export function useKeptStorage() {
  const list = shallowRef<CallOutput<'storage.list'> | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const isRemoving = ref(false)

  let reading: Promise<void> | null = null
  let isAskedAgain = false
  async function read(): Promise<void> {
    do {
      isAskedAgain = false
      const reply = await api.call('storage.list', {})
      problem.value = reply.ok ? null : reply.problem
      if (reply.ok) list.value = reply.value
    } while (isAskedAgain)
    reading = null
  }

  /** All of it is counted, which takes a while: never twice at once, and once more where it was asked for meanwhile. */
  function load(): Promise<void> {
    isAskedAgain = true
    reading ??= read()
    return reading
  }

  /** What went, also where a later part was refused; the list is read again either way. */
  async function remove(items: readonly StorageItem[]) {
    const done = { removed: 0, freedBytes: 0 }
    let refused: Problem | null = null
    isRemoving.value = true
    for (const ids of inBatches(items.map(({ id }) => id))) {
      const reply = await api.call('storage.remove', { ids })
      if (!reply.ok) {
        refused = reply.problem
        break
      }
      done.removed += reply.value.removed
      done.freedBytes += reply.value.freedBytes
    }
    await load()
    isRemoving.value = false
    return { ...done, refused }
  }

  return { list, problem, isRemoving, load, remove }
}

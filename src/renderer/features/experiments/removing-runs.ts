// Runs on their way to the bin: a few in a call, so that one sees how far it is and can stop between two of them. What went
// before a stop or a refusal is gone; the rest stays and can be asked for again.
import { computed, ref, shallowRef } from 'vue'
import type { CallOutput } from '#shared/contract/index.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

/** A folder takes some hundredths of a second, so a stop is heard within a few seconds. */
export const atOnce = 100

type Kept = CallOutput<'experiments.remove'>['failed']

export function useRemovingRuns() {
  /** Of how many runs it is known what came of them; null while none are being removed. */
  const done = ref<number | null>(null)
  const isStopping = ref(false)
  const problem = shallowRef<Problem | null>(null)
  const failed = shallowRef<Kept>([])
  /** Those that the bin took, since they were asked about first. */
  const gone = shallowRef<readonly string[]>([])
  /** Those that nobody asked for any more. */
  const left = shallowRef<readonly string[]>([])

  function reset(): void {
    problem.value = null
    failed.value = []
    gone.value = []
    left.value = []
  }

  async function remove(runIds: readonly string[]): Promise<void> {
    problem.value = null
    isStopping.value = false
    let at = 0
    for (done.value = 0; at < runIds.length && !isStopping.value; done.value = at) {
      const ids = runIds.slice(at, at + atOnce)
      const reply = await api.call('experiments.remove', { runIds: ids })
      if (!reply.ok) {
        problem.value = reply.problem
        break
      }
      const kept = new Set(reply.value.failed.map(({ runId }) => runId))
      failed.value = [...failed.value, ...reply.value.failed]
      gone.value = [...gone.value, ...ids.filter((id) => !kept.has(id))]
      at += ids.length
    }
    left.value = runIds.slice(at)
    done.value = null
  }

  return {
    ...{ done, isStopping, problem, failed, gone, left, reset, remove },
    isWorking: computed(() => done.value !== null),
    /** After the runs that are on their way now. */
    stop: (): void => {
      isStopping.value = true
    },
  }
}

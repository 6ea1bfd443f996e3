// The bundle that was asked for last, followed to its end: a panel says when it is there, not for ever that it is being
// written.
import { shallowRef } from 'vue'
import type { Job } from '#shared/contract/system.ts'
import type { Problem } from '#shared/result.ts'
import { useActivity } from '../../stores/activity.ts'
import { t } from '../../words/index.ts'

type Said = 'bundling' | 'bundled' | 'bundleStopped'
const saidAfter: Readonly<Record<Job['status'], Said | null>> = {
  running: 'bundling',
  done: 'bundled',
  cancelled: 'bundleStopped',
  failed: null,
}

export function useBundleBeingWritten() {
  const activity = useActivity()
  const said = shallowRef('')
  /** Where the file stands, or will. */
  const place = shallowRef('')
  const problem = shallowRef<Problem | null>(null)
  let newest = ''

  function show(status: Job['status'], count: number): void {
    const key = saidAfter[status]
    said.value = key === null ? '' : t(`experiments.compare.${key}`, { count })
    place.value = ''
    if (status === 'running') place.value = t('experiments.compare.bundlePlaceLater')
    if (status === 'done') place.value = t('experiments.compare.bundlePlace')
  }

  async function follow(jobId: string, count: number): Promise<void> {
    newest = jobId
    problem.value = null
    show('running', count)
    const ended = await activity.ended(jobId)
    if (newest !== jobId) return
    show(ended.status, count)
    problem.value = ended.status === 'failed' ? ended.problem : null
  }
  return { said, place, problem, follow }
}

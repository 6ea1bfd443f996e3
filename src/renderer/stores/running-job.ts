// The running job that a screen cares for, also one that was under way before the screen was opened, and how it ended.
import { computed, onScopeDispose, watch } from 'vue'
import type { Job } from '#shared/contract/system.ts'
import { useActivity } from './activity.ts'

export function useRunningJob(isMine: (job: Job) => boolean, whenEnded: (job: Job) => Promise<void>) {
  const activity = useActivity()
  const job = computed(() => activity.runningJobs.find(isMine) ?? null)
  let isLeft = false
  onScopeDispose(() => {
    isLeft = true
  })
  watch(
    () => job.value?.id,
    async (jobId) => {
      if (jobId === undefined) return
      const ended = await activity.ended(jobId)
      if (!isLeft) await whenEnded(ended)
    },
    { immediate: true },
  )
  return job
}

// The running job that a screen cares for, also one that was under way before the screen was opened, and how it ended.
import { computed, onScopeDispose, watch } from 'vue'
import type { Job } from '#shared/contract/system.ts'
import { api } from '../api.ts'
import { useActivity } from './activity.ts'

export function useRunningJob(isMine: (job: Job) => boolean, whenEnded: (job: Job) => Promise<void>) {
  const activity = useActivity()
  const job = computed(() => activity.runningJobs.find(isMine) ?? null)
  const followed = new Set<string>()
  let isLeft = false
  onScopeDispose(() => {
    isLeft = true
  })

  async function follow({ id }: Job): Promise<void> {
    if (followed.has(id)) return
    followed.add(id)
    const ended = await activity.ended(id)
    if (!isLeft) await whenEnded(ended)
  }
  watch(job, (running) => running && void follow(running), { immediate: true })
  // Of states that replace each other only the newest comes: work that fails at once is never seen running.
  onScopeDispose(
    api.on('job.changed', (changed) => {
      if (isMine(changed)) void follow(changed)
    }),
  )
  return job
}

// Brings a model to this computer: the long work, how far it is, and what came of it.
import { computed, ref, shallowRef } from 'vue'
import type { Job } from '#shared/contract/system.ts'
import type { Problem, Result } from '#shared/result.ts'
import { api } from '../../api.ts'
import { useActivity } from '../../stores/activity.ts'

export function useModelJobs(whenAdded: (modelId: string | null) => void) {
  const activity = useActivity()
  const problem = shallowRef<Problem | null>(null)
  const jobId = ref<string | null>(null)
  const running = computed(() => {
    const own = jobId.value === null ? undefined : activity.job(jobId.value)
    // A check knows its model from the start; one that is being added is known at its end.
    const adds = ({ kind, modelId }: Job): boolean => kind === 'model' && modelId === null
    return own ?? activity.runningJobs.find(adds) ?? null
  })

  async function follow(start: Promise<Result<{ jobId: string }>>): Promise<void> {
    problem.value = null
    const reply = await start
    if (!reply.ok) {
      problem.value = reply.problem
      return
    }
    jobId.value = reply.value.jobId
    const ended = await activity.ended(reply.value.jobId)
    jobId.value = null
    problem.value = ended.problem
    if (ended.status === 'done') whenAdded(ended.modelId)
  }

  return {
    problem,
    running,
    isBusy: computed(() => running.value?.status === 'running' || jobId.value !== null),
    fetchStarter: () => follow(api.call('models.addStarter', {})),
    addUploaded: (uploadId: string) => follow(api.call('models.addUploaded', { uploadId })),
    addPicked: (handle: string) => follow(api.call('models.addPicked', { handle })),
  }
}

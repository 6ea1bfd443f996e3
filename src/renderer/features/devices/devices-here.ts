// What this computer can compute on, as a screen follows it: read again when a measurement or an engine's coming or going
// may have changed it; and the measurement, which is a job.
import { computed, onScopeDispose, shallowRef, watch } from 'vue'
import type { DevicesView } from '#shared/contract/devices.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { useActivity } from '../../stores/activity.ts'
import { useRunningJob } from '../../stores/running-job.ts'
import { useSettings } from '../../stores/settings.ts'
import { isUnmeasured } from './device-list.ts'

/** `modelId`: whose figures are wanted where there are some. */
export function useDevices(modelId: () => string | null) {
  const activity = useActivity()
  const settings = useSettings()
  /** null before the first answer. */
  const view = shallowRef<DevicesView | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let isLeft = false
  onScopeDispose(() => {
    isLeft = true
  })

  async function load(): Promise<void> {
    const asked = modelId()
    const reply = await api.call('devices.view', { modelId: asked })
    if (isLeft || asked !== modelId()) return
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) view.value = reply.value
  }
  watch(modelId, load, { immediate: true })
  watch(() => settings.current.device, load)

  const job = useRunningJob(
    ({ kind }) => kind === 'speed',
    async ({ status, problem: why }) => {
      await load()
      if (status === 'failed') problem.value = why
    },
  )
  // A phase is one device: what the last one gave is kept.
  watch(() => job.value?.phase, load)
  useRunningJob(({ kind }) => kind === 'engine', load)

  /** The newest measurement was stopped, and of what can be used here something has no figure with this model. */
  const isCut = computed(() => {
    const newest = [...activity.jobs.values()].findLast(({ kind }) => kind === 'speed')
    if (newest?.status !== 'cancelled') return false
    return (view.value?.devices ?? []).some((device) => isUnmeasured(device, modelId()))
  })

  /** Gives the job's id; null where it was refused. */
  async function measure(): Promise<string | null> {
    const reply = await api.call('devices.measure', { modelId: modelId() })
    problem.value = reply.ok ? null : reply.problem
    return reply.ok ? reply.value.jobId : null
  }

  return {
    view,
    problem,
    job,
    load,
    measure,
    isCut,
    /** Work that a measurement would disturb, and that would disturb it. */
    isBusy: computed(() => activity.runs.length > 0 || activity.runningJobs.length > 0),
  }
}

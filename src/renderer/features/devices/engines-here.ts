// The engines that can be fetched, as a screen follows them: listed, added as a job, removed.
import { computed, ref, shallowRef } from 'vue'
import type { EngineState } from '#shared/contract/devices.ts'
import type { EngineId } from '#shared/devices.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { formatBytes } from '../../format.ts'
import { useRunningJob } from '../../stores/running-job.ts'
import { t } from '../../words/index.ts'

/** Behind the last phase of an engine that could not be tried out here stands a sentence that says so. */
function wordAdded(name: string, lastPhase: string): string {
  const why = /\. (.+)$/.exec(lastPhase)?.[1]
  return why === undefined
    ? t('devices.engines.added', { name })
    : t('devices.engines.addedUntried', { name, why })
}

export function useEngines(whenRemoved: () => Promise<void>) {
  /** null before the first answer. */
  const engines = shallowRef<readonly EngineState[] | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** What came of the last thing that was asked for. */
  const outcome = ref('')
  /** Which one the running job is about; of a job of before nothing tells. */
  const adding = ref<EngineId | null>(null)
  const isRemoving = ref(false)

  async function load(): Promise<void> {
    const reply = await api.call('engines.list', {})
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) engines.value = reply.value.engines
  }
  void load()

  const engine = (id: EngineId | null): EngineState | null =>
    engines.value?.find((one) => one.id === id) ?? null

  const job = useRunningJob(
    ({ kind }) => kind === 'engine',
    async ({ status, problem: why, phase }) => {
      await load()
      if (status === 'failed') problem.value = why
      const name = engine(adding.value)?.name
      if (status === 'done' && name !== undefined) outcome.value = wordAdded(name, phase)
      adding.value = null
    },
  )

  async function add(engineId: EngineId): Promise<void> {
    outcome.value = ''
    problem.value = null
    adding.value = engineId
    const reply = await api.call('engines.add', { engineId })
    if (reply.ok) return
    adding.value = null
    problem.value = reply.problem
  }

  /** null where it is gone; else why it is not. */
  async function remove(engineId: EngineId): Promise<Problem | null> {
    outcome.value = ''
    isRemoving.value = true
    const reply = await api.call('engines.remove', { engineId })
    const name = engine(engineId)?.name ?? engineId
    await Promise.all([load(), whenRemoved()])
    isRemoving.value = false
    if (!reply.ok) return reply.problem
    outcome.value = t('devices.engines.removed', { name, size: formatBytes(reply.value.freedBytes) })
    return null
  }

  return {
    engines,
    problem,
    outcome,
    job,
    engine,
    adding,
    add,
    remove,
    isRemoving,
    isAdding: computed(() => job.value !== null || adding.value !== null),
  }
}

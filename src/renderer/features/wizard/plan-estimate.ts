// The plans of a project, and the chosen one with a person's own changes, worked out anew a moment after each change.
import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { PresetId, ProjectDraft } from '#shared/contract/projects.ts'
import type { PlanOption } from '#shared/contract/training.ts'
import type { SettingValue } from '#shared/recipe-fields.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { useActivity } from '../../stores/activity.ts'

const waitMs = 300

export function usePlan(projectId: string) {
  const options = shallowRef<readonly PlanOption[] | null>(null)
  const own = shallowRef<PlanOption | null>(null)
  const presetValues = shallowRef<Readonly<Record<string, SettingValue>>>({})
  const problem = shallowRef<Problem | null>(null)
  const isEstimating = ref(false)
  const isMeasuring = ref(false)
  const activity = useActivity()
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = 0

  async function load(): Promise<void> {
    const reply = await api.call('plan.options', { projectId })
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) options.value = reply.value.options
  }

  async function estimate(turn: number, preset: PresetId, changes: ProjectDraft['changes']): Promise<void> {
    // Paces and rates of a preset go by what is trained.
    const kind = changes['method.kind']
    const [plain, changed] = await Promise.all([
      api.call('plan.estimate', {
        projectId,
        preset,
        changes: kind === undefined ? {} : { 'method.kind': kind },
      }),
      api.call('plan.estimate', { projectId, preset, changes }),
    ])
    if (turn !== asked) return
    isEstimating.value = false
    if (plain.ok) presetValues.value = { ...plain.value.values, ...ownKind(preset) }
    problem.value = changed.ok ? null : changed.problem
    if (changed.ok) own.value = changed.value
  }

  /** What the preset itself trains, whatever the person chose in its place. */
  function ownKind(preset: PresetId): Readonly<Record<string, SettingValue>> {
    const kind = options.value?.find((option) => option.preset === preset)?.values['method.kind']
    return kind === undefined ? {} : { 'method.kind': kind }
  }

  /** Right away, or a moment later while a person goes on changing. Answers to earlier questions no longer count. */
  function ask(preset: PresetId, changes: ProjectDraft['changes'], isHurried: boolean): void {
    const turn = ++asked
    isEstimating.value = true
    clearTimeout(timer)
    timer = setTimeout(() => void estimate(turn, preset, changes), isHurried ? 0 : waitMs)
  }
  /** Resolves once the newest question is answered. */
  function settled(): Promise<void> {
    if (!isEstimating.value) return Promise.resolve()
    return new Promise((resolve) => {
      watch(isEstimating, () => resolve(), { once: true, flush: 'sync' })
    })
  }
  onScopeDispose(() => clearTimeout(timer))

  /** Three seconds of arithmetic turn a guess into an estimate. Not while something trains: both would be disturbed. */
  async function measureSpeed(): Promise<boolean> {
    if (activity.runs.length > 0 || activity.runningJobs.length > 0) return false
    const reply = await api.call('system.measureSpeed', {})
    if (!reply.ok) return false
    isMeasuring.value = true
    const ended = await activity.ended(reply.value.jobId)
    isMeasuring.value = false
    return ended.status === 'done'
  }

  return { options, own, presetValues, problem, isEstimating, isMeasuring, load, ask, settled, measureSpeed }
}

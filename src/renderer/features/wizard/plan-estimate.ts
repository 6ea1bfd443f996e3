// The plans of a project, and the chosen one with a person's own changes, worked out anew a moment after each change.
import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { type PresetId, type ProjectDraft, presetIds } from '#shared/contract/projects.ts'
import type { PlanOption } from '#shared/contract/training.ts'
import type { SettingValue } from '#shared/recipe-fields.ts'
import type { Problem, Result } from '#shared/result.ts'
import { api } from '../../api.ts'

const waitMs = 300

/** Paces and rates of a preset go by what is trained, and by the optimizer. */
const decisive: readonly string[] = ['method.kind', 'optimizer.kind']

/** A plan that cannot be with the changes has no figures. */
const refused = (plain: PlanOption, blocking: Problem): PlanOption => ({
  ...plain,
  estimate: { ...plain.estimate, memoryBytes: 0 },
  blocking,
})

export function usePlan(projectId: string) {
  /** Without any change. */
  const options = shallowRef<readonly PlanOption[] | null>(null)
  const own = shallowRef<PlanOption | null>(null)
  /** The plans that are not chosen, with the same changes; empty where there are none. */
  const others = shallowRef<ReadonlyMap<PresetId, Result<PlanOption>>>(new Map())
  const presetValues = shallowRef<Readonly<Record<string, SettingValue>>>({})
  const problem = shallowRef<Problem | null>(null)
  const isEstimating = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = 0

  async function load(): Promise<void> {
    const reply = await api.call('plan.options', { projectId })
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) options.value = reply.value.options
  }

  async function estimate(turn: number, preset: PresetId, changes: ProjectDraft['changes']): Promise<void> {
    const kinds = Object.fromEntries(Object.entries(changes).filter(([path]) => decisive.includes(path)))
    const [plain, changed] = await Promise.all([
      api.call('plan.estimate', { projectId, preset, changes: kinds }),
      api.call('plan.estimate', { projectId, preset, changes }),
    ])
    if (turn !== asked) return
    isEstimating.value = false
    if (plain.ok) presetValues.value = { ...plain.value.values, ...ownKinds(preset) }
    problem.value = changed.ok ? null : changed.problem
    if (changed.ok) own.value = changed.value
    await estimateOthers(turn, preset, changes)
  }

  /** The changes stay when another plan is picked, so its card says what it takes with them. */
  async function estimateOthers(
    turn: number,
    chosen: PresetId,
    changes: ProjectDraft['changes'],
  ): Promise<void> {
    const isChanged = Object.keys(changes).length > 0
    if (!isChanged) others.value = new Map()
    for (const preset of isChanged ? presetIds : []) {
      if (preset === chosen) continue
      const reply = await api.call('plan.estimate', { projectId, preset, changes })
      if (turn !== asked) return
      others.value = new Map(others.value).set(preset, reply)
    }
  }

  /** What the preset itself trains, and how, whatever the person chose in its place. */
  function ownKinds(preset: PresetId): Readonly<Record<string, SettingValue>> {
    const values = options.value?.find((option) => option.preset === preset)?.values ?? {}
    return Object.fromEntries(Object.entries(values).filter(([path]) => decisive.includes(path)))
  }

  /** Whether what is known of a plan is with the changes. */
  const isWorkedOut = (preset: PresetId, changes: ProjectDraft['changes']): boolean =>
    Object.keys(changes).length === 0 || own.value?.preset === preset || others.value.has(preset)

  /** The newest that is known of a plan. */
  function planOf(preset: PresetId): PlanOption | null {
    if (own.value?.preset === preset) return own.value
    const plain = options.value?.find((option) => option.preset === preset) ?? null
    const other = others.value.get(preset)
    if (other === undefined) return plain
    return other.ok ? other.value : plain && refused(plain, other.problem)
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
  onScopeDispose(() => {
    asked += 1
    clearTimeout(timer)
  })

  return { options, own, presetValues, problem, isEstimating, load, planOf, isWorkedOut, ask, settled }
}

// From a project's draft, a preset and a person's own changes to the recipe draft that wizard and terminal share. Pure.
import type { PresetId } from '#shared/contract/index.ts'
import { describeIssues, type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import { dataOf, type FilledProject } from '../projects/project-source.ts'
import { type PresetModel, presetChanges } from './presets.ts'
import { setAt, settingsByPath, stepsOf } from './setting-paths.ts'

export interface PlanChoice {
  readonly preset: PresetId
  /** Recipe fields by path, or groups of them, over what the preset says. */
  readonly changes: Readonly<Record<string, unknown>>
  readonly name: string | null
  /** The chosen model; null where it is not known yet. */
  readonly model: PresetModel | null
}

/** Fields that a plan may not change: they are chosen in earlier steps. */
const chosenElsewhere = ['model', 'data', 'scenario', 'name', 'version', 'language', 'instruction'] as const

/** Of the first stage the file is chosen with the data, the rest in the plan. */
const isChosenElsewhere = (path: string, [top]: readonly string[]): boolean =>
  top === 'before'
    ? path !== 'before.epochs' && path !== 'before.learningRate'
    : chosenElsewhere.some((field) => field === top)

/** Problems: project.not-ready (no model chosen), recipe.invalid with every fault by its path. */
export function recipeOfProject(
  source: FilledProject,
  { preset, changes, name, model }: PlanChoice,
): Result<RecipeDraft> {
  const { draft } = source
  const { scenario } = source.project
  if (draft.modelId === null) return fail(noModel())
  const wanted: Record<string, unknown> = {
    scenario,
    model: draft.modelId,
    name,
    instruction: draft.instruction,
    language: draft.language,
    data: dataOf(source),
    before: source.before,
  }
  const own = settingsByPath(changes)
  const chosen = { method: own.get('method.kind'), optimizer: own.get('optimizer.kind') }
  const paced = presetChanges(preset, scenario, model, chosen)
  for (const [path, value] of [...Object.entries(paced), ...own]) {
    const steps = stepsOf(path)
    if (steps === null || isChosenElsewhere(path, steps)) return fail(notHere(path))
    // How a first stage goes is kept while there is no file for it.
    if (steps[0] === 'before' && source.before === null) continue
    setAt(wanted, steps, value)
  }
  const parsed = recipeDraft.safeParse(wanted)
  if (parsed.success) return ok(parsed.data)
  const faults = describeIssues(parsed.error)
  return fail({
    code: 'recipe.invalid',
    message: `At ${faults[0]?.where}: ${faults[0]?.message}.`,
    where: faults[0]?.where ?? 'settings',
    remedy: 'Change this setting, or set it back to what the preset says.',
    faults,
  })
}

const noModel = (): Problem => ({
  code: 'project.not-ready',
  message: 'No model is chosen yet.',
  where: 'the step "Model"',
  remedy: 'Go back to the step "Model" and choose one.',
})

const notHere = (path: string): Problem => ({
  code: 'recipe.invalid',
  message: `At ${path}: this is not a setting of the plan.`,
  where: path,
  remedy: 'Model, data and instruction are chosen in the earlier steps.',
})

// The recipe of a trial: the study's base with the trial's settings and seed. Pure. A setting that the recipe does not have,
// or a value that it cannot have, is a Problem.
import { describeIssue, type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import type { StudiedSettings, StudySpec } from '#shared/study.ts'
import { setAt, settingsByPath, stepsOf } from '../training/setting-paths.ts'

/** Problems: `recipe.invalid` with the setting's path. */
export function trialRecipe(
  { base }: Pick<StudySpec, 'base'>,
  settings: StudiedSettings,
  seed: number,
): Result<Recipe> {
  const wanted: Record<string, unknown> = { ...base, seed }
  for (const [path, value] of Object.entries(settings)) {
    const steps = stepsOf(path)
    if (steps === null || !isSearchable(steps)) return fail(notSearchable(path))
    setAt(wanted, steps, value)
  }
  const parsed = recipeSchema.safeParse(wanted, { reportInput: true })
  if (parsed.success) return ok(parsed.data)
  const { where, message } = describeIssue(parsed.error)
  return fail({
    code: 'recipe.invalid',
    message: `At ${where}: ${message}.`,
    where,
    remedy: 'Change the range of this setting, or leave it out of the search.',
  })
}

/** What a trial may change: how it is trained, never what it is trained on, nor how it is measured. */
const fixedParts: ReadonlySet<string> = new Set([
  'version',
  'scenario',
  'model',
  'data',
  'evaluation',
  'checkpoints',
  'instruction',
  'threads',
  'device',
  'seed',
])
/** Whether a search may change this setting. */
export function isSearchablePath(path: string): boolean {
  const steps = stepsOf(path)
  return steps !== null && isSearchable(steps)
}

const isSearchable = ([top = '', ...rest]: readonly string[]): boolean =>
  !fixedParts.has(top) &&
  // Longer rows are left out: with other rows losses do not compare.
  !(top === 'batch' && rest[0] === 'maxTokens') &&
  (top !== 'before' || rest[0] === 'epochs' || rest[0] === 'learningRate')

const notSearchable = (path: string): Problem => ({
  code: 'recipe.invalid',
  message: `At ${path}: this cannot be searched.`,
  where: path,
  remedy: 'Data, model, seed and the way of measuring are the same for all trials.',
})

/** The base's own values of what is searched. */
export function baseSettings({ base, space }: Pick<StudySpec, 'base' | 'space'>): StudiedSettings {
  const values = settingsByPath(base)
  const own = space.flatMap(({ path }) => {
    const value = values.get(path)
    return value === undefined || (value !== null && typeof value === 'object')
      ? []
      : [[path, value] as const]
  })
  return Object.fromEntries(own)
}

// Makes the settings of a recipe the plan of a project: what they change over the project's preset. Data, split, instruction
// and how losses are measured stay the project's own. Pure but for what a preset says.
import { isDeepStrictEqual } from 'node:util'
import type { ProjectDraft } from '#shared/contract/index.ts'
import type { Recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { FilledProject } from '../projects/project-source.ts'
import type { PresetModel } from './presets.ts'
import { recipeOfProject } from './recipe-of-project.ts'
import { type Json, settingsByPath } from './setting-paths.ts'

type Changes = ProjectDraft['changes']

/** The project's draft with these settings and their model. Throws ProblemError: those of a recipe. */
export function draftWithRecipe(source: FilledProject, recipe: Recipe, model: PresetModel): ProjectDraft {
  const draft: ProjectDraft = { ...source.draft, modelId: recipe.model.id, step: 'plan' }
  const wanted = ofTraining(recipe)
  const { preset } = draft
  const presetOf = (changes: Changes): Map<string, Json> => {
    const choice = { preset, changes, name: null, model }
    return ofTraining(unwrap(recipeOfProject({ ...source, draft }, choice)))
  }
  // The rates of a preset go by what is trained, and by the optimizer.
  const kinds: Changes = { 'method.kind': recipe.method.kind, 'optimizer.kind': recipe.optimizer.kind }
  const usual = presetOf({})
  const base = Object.fromEntries(Object.entries(kinds).filter(([path, kind]) => usual.get(path) !== kind))
  const known = presetOf(base)
  const changed = [...wanted].filter(([path, value]) => !isDeepStrictEqual(known.get(path), value))
  const own = [...settingsByPath(draft.changes)].filter(([path]) => isKept(path))
  return { ...draft, changes: Object.fromEntries([...own, ...Object.entries(base), ...changed]) }
}

/** What a study sets for all of its trials, or the computer for each run. */
const keptParts: ReadonlySet<string> = new Set(['evaluation', 'checkpoints', 'seed', 'threads', 'device'])
const notOfPlan: ReadonlySet<string> = new Set([
  'version',
  'scenario',
  'model',
  'data',
  'name',
  'language',
  'instruction',
])
const topOf = (path: string): string => path.split('.')[0] ?? ''
const isKept = (path: string): boolean => keptParts.has(topOf(path))

function ofTraining(recipe: unknown): Map<string, Json> {
  const stage = ['before.epochs', 'before.learningRate']
  const found = [...settingsByPath(recipe)].filter(([path]) => {
    if (topOf(path) === 'before') return stage.includes(path)
    return !isKept(path) && !notOfPlan.has(topOf(path)) && path !== 'batch.rowsAtOnce'
  })
  return new Map(found)
}

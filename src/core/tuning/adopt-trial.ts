// Makes a trial's settings the plan of its project: what they change over the project's preset. Data, split, instruction and
// how losses are measured stay the project's own.
import { isDeepStrictEqual } from 'node:util'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { ProjectDraft } from '#shared/contract/index.ts'
import { attemptAsync, fail, ok, type Problem, type Result, unwrap } from '#shared/result.ts'
import type { JournalStudy, StudyTrial } from '#shared/study.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { showModel } from '../models/model-library.ts'
import type { FilledProject, ProjectSource } from '../projects/project-source.ts'
import type { ProjectStore } from '../projects/project-store.ts'
import type { Library } from '../system/library.ts'
import type { PresetModel } from '../training/presets.ts'
import { recipeOfProject } from '../training/recipe-of-project.ts'
import { type Json, settingsByPath } from '../training/setting-paths.ts'
import { requireTrial } from './study-problems.ts'
import { trialRecipe } from './trial-recipe.ts'

type Changes = ProjectDraft['changes']

export interface AdoptPorts {
  readonly library: Library
  readonly reader: Pick<JournalReader, 'study' | 'trials'>
  readonly writer: Pick<JournalWriter, 'addLink'>
  readonly projects: ProjectSource
  readonly store: Pick<ProjectStore, 'writeDraft'>
}

/** Writes the draft, and where it comes from. Problems: those of a recipe, of the model, project.not-ready. */
export function adoptTrial(
  studyId: string,
  number: number,
  { library, reader, writer, projects, store }: AdoptPorts,
): Promise<Result<{ projectId: string }>> {
  return attemptAsync(async () => {
    const study = unwrap(reader.study(studyId))
    const trial = requireTrial(unwrap(reader.trials(studyId)), number)
    const { projectId, spec } = study
    const source = unwrap(await projects.sourceOf(projectId))
    const model = unwrap(await showModel(library, spec.base.model.id))
    const { config } = await readPlannedModel(library, model)
    await store.writeDraft(projectId, unwrap(adoptedDraft(source, study, trial, config)))
    if (trial.runId !== null)
      unwrap(writer.addLink({ runId: trial.runId, kind: 'winner-of', parent: studyId }))
    return { projectId }
  })
}

/** The project's draft with the trial's settings. Problems: those of a recipe. */
function adoptedDraft(
  source: FilledProject,
  { spec }: Pick<JournalStudy, 'spec'>,
  trial: Pick<StudyTrial, 'settings' | 'seed' | 'status' | 'number'>,
  model: PresetModel,
): Result<ProjectDraft> {
  if (trial.status !== 'complete') return fail(notAdoptable(trial))
  const recipe = trialRecipe(spec, trial.settings, trial.seed)
  if (!recipe.ok) return recipe
  const draft: ProjectDraft = { ...source.draft, modelId: spec.base.model.id, step: 'plan' }
  const wanted = ofTraining(recipe.value)
  const { preset } = draft
  const presetOf = (changes: Changes): Map<string, Json> => {
    const choice = { preset, changes, name: null, model }
    return ofTraining(unwrap(recipeOfProject({ ...source, draft }, choice)))
  }
  // The rates of a preset go by what is trained.
  const kind: Changes = { 'method.kind': recipe.value.method.kind }
  const usual = presetOf({})
  const base = usual.get('method.kind') === kind['method.kind'] ? {} : kind
  const known = presetOf(base)
  const changed = [...wanted].filter(([path, value]) => !isDeepStrictEqual(known.get(path), value))
  const own = [...settingsByPath(draft.changes)].filter(([path]) => isKept(path))
  return ok({ ...draft, changes: Object.fromEntries([...own, ...Object.entries(base), ...changed]) })
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

const notAdoptable = ({ number }: Pick<StudyTrial, 'number'>): Problem => ({
  code: 'run.not-finished',
  message: 'This trial did not come to its end, so nobody knows what it would have become.',
  where: `trial ${number + 1}`,
  remedy: 'Take one that did.',
})

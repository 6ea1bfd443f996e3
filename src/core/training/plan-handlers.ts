// The plan before a run: what each preset would do, how long, how much memory, and whether it fits.
import { type PlanOption, type PresetId, presetIds, type SomeHandlers } from '#shared/contract/index.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { attemptAsync, type Problem, unwrap } from '#shared/result.ts'
import { prepareData } from '../data/check-data.ts'
import { countParts } from '../data/split.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { estimateTrainingBytes, judgeFit, type ModelSizes } from '../models/model-fit.ts'
import { showModel } from '../models/model-library.ts'
import { readModelSizes } from '../models/model-sizes.ts'
import type { ProjectSource } from '../projects/project-source.ts'
import { readSpeed } from '../system/speed.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { countSteps, estimateSeconds, type KnownSpeed, type MsPerRow } from './estimate.ts'
import { presetChanges } from './presets.ts'
import { recipeOfProject } from './recipe-of-project.ts'

type PlanCallNames = 'plan.options' | 'plan.estimate'
type Changes = PlanOption['changes']

/** Runs of the past that the speed is taken from. */
const lookedAtRuns = 5

export function createPlanHandlers(
  context: WorkstationContext,
  projects: ProjectSource,
): SomeHandlers<PlanCallNames> {
  const { library, reader } = context

  /** Milliseconds a row of this model took on this computer, from its newest runs; null where there are none. */
  function speedOf(modelId: string): MsPerRow {
    const { rows } = unwrap(reader.experiments({ modelId, limit: lookedAtRuns }))
    for (const { id, batchRows } of rows) {
      const { train } = unwrap(reader.thinCurve(id, 200))
      if (train.length < 4 || batchRows === null) continue
      const sorted = train.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
      return (sorted[Math.floor(sorted.length / 2)] ?? 0) / batchRows
    }
    return null
  }

  async function open(projectId: string) {
    const { project, draft, dataPath, morePaths } = unwrap(await projects.sourceOf(projectId))
    const recipeFor = (preset: PresetId, changes: Changes) =>
      recipeOfProject({ scenario: project.scenario, draft, dataPath, morePaths, preset, changes, name: null })
    const { model: modelName, data } = unwrap(recipeFor('balanced', {}))
    const model = unwrap(await showModel(library, modelName))
    const { path, ...settings } = data
    const prepared = await prepareData(path, { scenario: project.scenario, ...settings })
    const parts = unwrap(prepared.split)
    const sizes = await readModelSizes(library, model)
    const measured = await readSpeed(library)
    const speed = { msPerRow: speedOf(model.id), gflops: measured?.gemmGflops ?? null }
    const option = (preset: PresetId, changes: Changes): PlanOption => {
      const recipe = unwrap(recipeFor(preset, changes))
      return planOf({
        preset,
        changes,
        recipe,
        model,
        counts: countParts(parts),
        sizes,
        speed,
        scenario: project.scenario,
      })
    }
    return { draft, option }
  }

  return {
    'plan.options': ({ projectId }) =>
      attemptAsync(async () => {
        const { option } = await open(projectId)
        return { options: presetIds.map((preset) => option(preset, {})) }
      }),
    'plan.estimate': ({ projectId, preset, changes }) =>
      attemptAsync(async () => (await open(projectId)).option(preset, changes)),
  }
}

interface Planned {
  readonly preset: PresetId
  readonly changes: Changes
  readonly recipe: RecipeDraft
  readonly model: ModelManifest
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number }
  readonly sizes: ModelSizes
  readonly speed: KnownSpeed
  readonly scenario: RecipeDraft['scenario']
}

function planOf({ preset, changes, recipe, model, counts, sizes, speed, scenario }: Planned): PlanOption {
  const steps = countSteps(counts.train, recipe)
  const time = estimateSeconds(steps, recipe, model.parameters, speed)
  const { batch, method, gradientCheckpointing } = recipe
  const training = { ...batch, rank: method.rank, gradientCheckpointing }
  const memoryBytes = estimateTrainingBytes(sizes, training)
  const fit = judgeFit(memoryBytes)
  const adapterBytes = adapterSize(model, recipe)
  return {
    preset,
    changes: { ...presetChanges(preset, scenario), ...changes },
    values: flatten(recipe),
    estimate: {
      steps,
      ...time,
      memoryBytes,
      diskBytes: adapterBytes * (3 * recipe.checkpoints.keepLast + 2),
      energyWh: null,
    },
    fit,
    sentences: sentencesOf(recipe, counts),
    isRecommended: preset === 'balanced',
    blocking: fit.kind === 'does-not-fit' ? doesNotFit(fit.reason) : null,
  }
}

/** About two thin matrices for each adapted layer; a checkpoint holds them with two moments each. */
const adapterSize = (model: ModelManifest, { method }: RecipeDraft): number =>
  Math.round(4 * method.rank * Math.sqrt(model.parameters) * 40)

const sentencesOf = ({ duration, evaluation, method }: RecipeDraft, counts: Planned['counts']): string[] => [
  `The model goes over your ${counts.train} rows ${duration.epochs === 1 ? 'once' : `${duration.epochs} times`} and adapts a small addition of rank ${method.rank}; its own weights stay as they are.`,
  `${counts.validation} other rows show along the way whether it gets better, and the best version is kept${evaluation.patience === null ? '' : '; it stops by itself when it no longer improves'}.`,
  `${counts.test} locked rows are opened once, for the proof at the end.`,
]

function flatten(recipe: RecipeDraft): Changes {
  const values: Changes = {}
  const walk = (path: string, value: unknown): void => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, inner)
    else values[path] = value as Changes[string]
  }
  const { model: _model, data: _data, scenario: _scenario, name: _name, ...settings } = recipe
  walk('', settings)
  return values
}

const doesNotFit = (reason: string): Problem => ({
  code: 'project.not-ready',
  message: `This plan does not fit into the memory of this computer. ${reason}`,
  where: 'the step "Plan"',
  remedy: 'Choose a smaller model, fewer rows at once, or shorter rows.',
})

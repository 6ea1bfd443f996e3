// The plan before a run: what each preset would do, how long, how much memory, and whether it fits.
import { type PlanOption, type PresetId, presetIds, type SomeHandlers } from '#shared/contract/index.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { attemptAsync, type Problem, unwrap } from '#shared/result.ts'
import type { PreparedData } from '../data/check-data.ts'
import type { PrepareRows } from '../data/prepared-rows.ts'
import { countParts } from '../data/split.ts'
import { adapterParameters, estimateTrainingBytes, judgeFit, type ModelSizes } from '../models/model-fit.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import { readModelSizes } from '../models/model-sizes.ts'
import type { ProjectSource } from '../projects/project-source.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { readSpeed } from '../system/speed.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { countSteps, estimateSeconds, type KnownSpeed, msPerRowOf } from './estimate.ts'
import { pastRunsOf } from './past-runs.ts'
import { planSentences } from './plan-sentences.ts'
import { instructionOf } from './prepare-run.ts'
import { presetChanges } from './presets.ts'
import { recipeOfProject } from './recipe-of-project.ts'
import { fittingRows, measureRowLengths, type RowLengths, readTokenizer } from './row-lengths.ts'
import { settingsByPath } from './setting-paths.ts'

type PlanCallNames = 'plan.options' | 'plan.estimate'
type Changes = PlanOption['changes']

/** What a chat template puts around an example, about. */
const templateTokens = 15

export function createPlanHandlers(
  context: WorkstationContext,
  projects: ProjectSource,
  prepare: PrepareRows,
): SomeHandlers<PlanCallNames> {
  const { library, reader } = context

  const lengths = new WeakMap<PreparedData, Map<string, RowLengths>>()
  /** Kept with the rows: every change of a plan asks for the same. */
  async function lengthsOf(
    prepared: PreparedData,
    recipe: RecipeDraft,
    modelId: string,
  ): Promise<RowLengths> {
    const instruction = instructionOf(recipe, { facts: prepared.facts, labels: null })
    const key = `${modelId} ${instruction}`
    const known = lengths.get(prepared) ?? new Map<string, RowLengths>()
    lengths.set(prepared, known)
    const found = known.get(key)
    if (found !== undefined) return found
    const tokenizer = await readTokenizer(modelFolder(library, modelId))
    const measured = measureRowLengths(
      prepared.read.rows,
      scenarioOf(recipe.scenario),
      instruction,
      tokenizer,
    )
    known.set(key, measured)
    return measured
  }

  /** What a plan of this project would be, by its preset and changes. */
  async function open(projectId: string) {
    const source = unwrap(await projects.sourceOf(projectId))
    const recipeFor = (preset: PresetId, changes: Changes, layers: number | null) =>
      unwrap(recipeOfProject(source, { preset, changes, name: null, layers }))
    const usual = recipeFor('balanced', {}, null)
    const model = unwrap(await showModel(library, usual.model))
    const prepared = await prepare(usual.data, usual.scenario)
    const counts = countParts(unwrap(prepared.split))
    const sizes = await readModelSizes(library, model)
    const rowLengths = await lengthsOf(prepared, usual, model.id)
    const past = pastRunsOf(reader, model.id)
    const gflops = readSpeed(library)?.gemmGflops ?? null
    return (preset: PresetId, changes: Changes): PlanOption => {
      const recipe = recipeFor(preset, changes, sizes.layers)
      const speed = { msPerRow: msPerRowOf(recipe, past), gflops }
      return planOf({ preset, changes, recipe, counts, sizes, speed, rowLengths })
    }
  }

  return {
    'plan.options': ({ projectId }) =>
      attemptAsync(async () => {
        const option = await open(projectId)
        return { options: presetIds.map((preset) => option(preset, {})) }
      }),
    'plan.estimate': ({ projectId, preset, changes }) =>
      attemptAsync(async () => (await open(projectId))(preset, changes)),
  }
}

interface Planned {
  readonly preset: PresetId
  readonly changes: Changes
  readonly recipe: RecipeDraft
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number }
  readonly sizes: ModelSizes & { readonly layers: number }
  readonly speed: KnownSpeed
  readonly rowLengths: RowLengths
}

function planOf({ preset, changes, recipe, counts, sizes, speed, rowLengths }: Planned): PlanOption {
  const fitting = fittingRows(rowLengths, recipe.batch.maxTokens)
  const steps = countSteps(counts.train * (fitting?.share ?? 1), recipe)
  const tokensPerRow = (fitting?.meanTokens ?? recipe.batch.maxTokens) + templateTokens
  const time = estimateSeconds(steps, recipe, sizes.parameters, { ...speed, tokensPerRow })
  const { batch, method, gradientCheckpointing, checkpoints } = recipe
  const training = { ...batch, rank: method.rank, gradientCheckpointing }
  const memoryBytes = estimateTrainingBytes(sizes, training)
  const fit = judgeFit(memoryBytes)
  const adapterBytes = 4 * adapterParameters(sizes, method.rank)
  return {
    preset,
    changes: { ...presetChanges(preset, recipe.scenario, sizes.layers), ...changes },
    values: settingsOf(recipe),
    estimate: {
      steps,
      ...time,
      memoryBytes,
      // A checkpoint holds the adapter, two moments and the best version; one more is there before the oldest goes.
      diskBytes: adapterBytes * (4 * (checkpoints.keepLast + 1) + 1),
      energyWh: null,
    },
    fit,
    sentences: [
      ...planSentences({ recipe, counts, layers: sizes.layers }),
      ...tooLongSentences(fitting?.share ?? 1, recipe.batch.maxTokens),
    ],
    isRecommended: preset === 'balanced',
    blocking:
      fit.kind === 'does-not-fit'
        ? doesNotFit(fit.reason)
        : fitting === null
          ? allTooLong(rowLengths.tokens[0] ?? 0, recipe.batch.maxTokens)
          : null,
  }
}

const tooLongSentences = (share: number, mostTokens: number): string[] =>
  share === 1
    ? []
    : [
        `About ${Math.max(1, Math.round((1 - share) * 100))} % of the rows are longer than ${mostTokens} tokens and are left out; fine settings can allow longer ones.`,
      ]

function settingsOf(recipe: RecipeDraft): Changes {
  const { model: _model, data: _data, scenario: _scenario, name: _name, ...settings } = recipe
  return Object.fromEntries(settingsByPath(settings))
}

const doesNotFit = (reason: string): Problem => ({
  code: 'project.not-ready',
  message: `This plan does not fit into the memory of this computer. ${reason}`,
  where: 'the step "Plan"',
  remedy: 'Choose a smaller model, fewer rows at once, or shorter rows.',
})

const allTooLong = (shortest: number, mostTokens: number): Problem => ({
  code: 'project.not-ready',
  message: `Every row is too long for this plan: the shortest that was looked at has about ${shortest} tokens with its instruction, and ${mostTokens} are allowed.`,
  where: 'the step "Plan"',
  remedy: 'Allow longer rows in the fine settings, shorten the instruction, or bring shorter rows.',
})

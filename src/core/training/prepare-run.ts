// From a draft to a run in the journal: model and data become what they are byte for byte, the recipe is made to fit the
// memory that is free, and frozen.
import { totalmem } from 'node:os'
import type { JournalWriter } from '#journal/writer.ts'
import type { DatasetManifest } from '#shared/dataset.ts'
import { type Recipe, type RecipeDraft, recipe as recipeSchema } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { datasetFolder, readSplit } from '../data/dataset-folder.ts'
import { importDataset } from '../data/import-dataset.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { type PlannedModel, readPlannedModel } from '../models/model-config.ts'
import { availableMemory } from '../models/model-fit.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { Library } from '../system/library.ts'
import { describeMachine, describeVersions } from '../system/machine.ts'
import { classNamesOf } from './class-names.ts'
import { hasClassHead } from './method-of.ts'
import { memoryProblem, planRun } from './plan-run.ts'
import { refusedRecipe } from './recipe-sense.ts'
import { measureRowLengths, readTokenizer } from './row-lengths.ts'

export interface PreparedRun {
  readonly runId: string
  readonly recipe: Recipe
  readonly model: ModelManifest
  readonly dataset: DatasetManifest
  /** What of the recipe was changed so that it fits into memory; empty where nothing was. */
  readonly changed: readonly string[]
}

export interface PrepareOptions {
  readonly library: Library
  readonly writer: Pick<JournalWriter, 'ensureProject' | 'addModel' | 'addDataset' | 'createRun'>
  /** The project it belongs to; left out, the project of the run's name, made where there is none. */
  readonly projectId?: string
  /** Left out, the memory that is free now. */
  readonly availableBytes?: number
}

/** Imports the data, freezes the recipe and inserts the run as `queued`. Nothing is started. */
export function prepareRun(draft: RecipeDraft, options: PrepareOptions): Promise<Result<PreparedRun>> {
  return attemptAsync(async () => {
    const { library, writer } = options
    const model = unwrap(await showModel(library, draft.model))
    const planned = await readPlannedModel(library, model)
    requireFit(draft, model, planned)
    const dataset = unwrap(await importDataset(library, draft.data, draft.scenario))
    const machine = describeMachine()
    const { draft: fitting, changed } = await fitRecipe(draft, model, planned, dataset, options)
    const recipe = freezeRecipe(fitting, model, dataset, machine.physicalCores)
    const name = draft.name ?? dataset.source.name
    const projectId = options.projectId ?? unwrap(writer.ensureProject({ name, scenario: draft.scenario })).id
    unwrap(writer.addModel(modelRecord(model)))
    unwrap(writer.addDataset(datasetRecord(dataset)))
    const { id } = unwrap(
      writer.createRun({
        projectId,
        name,
        recipe,
        backend: 'not started yet',
        device: { ...machine, changed },
        versions: describeVersions(),
      }),
    )
    return { runId: id, recipe, model, dataset, changed }
  })
}

/**
 * What can be known to fail before anything is imported: a model that cannot be asked, settings it cannot have. Where a
 * scenario's rows bring nothing to read, or a new last layer reads the text alone, no chat template is needed.
 */
function requireFit(draft: RecipeDraft, model: ModelManifest, { config }: PlannedModel): void {
  const refused = refusedRecipe(draft, config)
  if (refused !== null) throw new ProblemError(refused)
  const isAsked = scenarioOf(draft.scenario).inputRoles.length > 0 && !hasClassHead(draft.method)
  if (isAsked && !model.hasChatTemplate)
    throw new ProblemError({
      code: 'template.invalid',
      message: 'This model has no chat template: it cannot be spoken to, so it cannot learn to answer.',
      where: `${model.name} (${model.id})`,
      remedy: 'Choose an instruct or chat version of this model.',
    })
}

/** What a draft becomes where memory is short. Throws ProblemError (memory.too-small) where no change is enough. */
async function fitRecipe(
  draft: RecipeDraft,
  { id }: ModelManifest,
  model: PlannedModel,
  dataset: DatasetManifest,
  { library, availableBytes = availableMemory() }: PrepareOptions,
): Promise<{ draft: RecipeDraft; changed: readonly string[] }> {
  const rows = unwrap(await readSplit(datasetFolder(library, dataset.fingerprint), 'train'))
  const tokenizer = await readTokenizer(modelFolder(library, id))
  const instruction = hasClassHead(draft.method) ? '' : instructionOf(draft, dataset)
  const lengths = measureRowLengths(rows, scenarioOf(draft.scenario), instruction, tokenizer)
  const classes = classNamesOf(draft.scenario, dataset).length
  const plan = planRun({ recipe: draft, model, lengths, classes, availableBytes })
  // That every row is too long is for the trainer to say: it knows the template.
  if (plan === null) return { draft, changed: [] }
  const problem = memoryProblem(plan, totalmem())
  if (problem !== null) throw new ProblemError(problem)
  return { draft: plan.recipe, changed: plan.sentences }
}

/** The draft with everything decided: the same recipe on the same machine gives the same bits. */
function freezeRecipe(
  draft: RecipeDraft,
  model: ModelManifest,
  dataset: DatasetManifest,
  physicalCores: number,
): Recipe {
  const { name: _name, model: _model, data: _data, language: _language, ...settings } = draft
  const instruction = instructionOf(draft, dataset)
  return recipeSchema.parse({
    ...settings,
    version: 1,
    model: { id: model.id, weightsSha256: model.weightsSha256 },
    data: { fingerprint: dataset.fingerprint },
    instruction,
    threads: draft.threads ?? physicalCores,
  })
}

/** What the model is told before every example: the person's words, else the scenario's own for this data. */
export const instructionOf = (
  { scenario, instruction, language }: Pick<RecipeDraft, 'scenario' | 'instruction' | 'language'>,
  { facts, labels }: Pick<DatasetManifest, 'facts' | 'labels'>,
): string =>
  instruction ?? scenarioOf(scenario).defaultInstruction({ ...(facts ?? { labels: labels ?? [] }), language })

const modelRecord = (model: ModelManifest) => ({
  id: model.id,
  name: model.name,
  source: [model.source.kind, model.source.from, model.source.revision].filter(Boolean).join(' '),
  licence: model.licence,
  weightsSha256: model.weightsSha256,
  parameters: model.parameters,
})

const datasetRecord = (dataset: DatasetManifest) => ({
  fingerprint: dataset.fingerprint,
  scenario: dataset.scenario,
  sourceName: dataset.source.name,
  manifest: dataset,
  counts: dataset.counts,
})

// From a draft to a run in the journal: model and data become what they are byte for byte, the recipe is made to fit the
// memory that is free, and frozen.
import { totalmem } from 'node:os'
import type { JournalWriter } from '#journal/writer.ts'
import type { DatasetManifest } from '#shared/dataset.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import { type Recipe, type RecipeDraft, recipe as recipeSchema } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { prepareData } from '../data/check-data.ts'
import { datasetFolder, readSplit } from '../data/dataset-folder.ts'
import { importDataset, keepDataset } from '../data/import-dataset.ts'
import { prepareStageTexts } from '../data/stage-texts.ts'
import type { DeviceChoice } from '../devices/choose-device.ts'
import { memoryFactorOf } from '../devices/device-speed.ts'
import { readGraphicsOfComputer } from '../devices/graphics-cards.ts'
import { resolveDevice } from '../devices/known-devices.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { type PlannedModel, readPlannedModel } from '../models/model-config.ts'
import { availableMemory } from '../models/model-fit.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { Library } from '../system/library.ts'
import { describeMachine, describeVersions } from '../system/machine.ts'
import { cardMemorySentences } from './card-memory.ts'
import { classNamesOf } from './class-names.ts'
import type { MemoryPlan } from './memory-plan.ts'
import { hasClassHead } from './method-of.ts'
import { memoryProblem, planRun } from './plan-run.ts'
import { refusedRecipe } from './recipe-sense.ts'
import { readTokenizer } from './row-lengths.ts'
import { allTooLong, measureTrained, type Reading, readingOf, readingOfTexts } from './trained-lengths.ts'

export interface PreparedRun {
  readonly runId: string
  readonly recipe: Recipe
  readonly model: ModelManifest
  readonly dataset: DatasetManifest
  /** Texts of the first stage; null where there is none. */
  readonly before: DatasetManifest | null
  /** What of the recipe was changed so that it fits into memory; empty where nothing was. */
  readonly changed: readonly string[]
  /** What it is computed on, and why. */
  readonly device: DeviceChoice
  /** What it takes of a graphics card's own memory, in sentences; none on a processor. */
  readonly onCard: readonly string[]
}

export interface PrepareOptions {
  readonly library: Library
  readonly writer: Pick<JournalWriter, 'ensureProject' | 'addModel' | 'addDataset' | 'createRun'>
  /** The project it belongs to; left out, the project of the run's name, made where there is none. */
  readonly projectId?: string
  /** Left out, the memory that is free now, and what comes back before the run begins. */
  readonly availableBytes?: number
  /** Bytes that are taken now and that a run on this device finds free; left out, none. */
  readonly comesBack?: (device: DeviceId) => number
}

/** A recipe of which everything is decided, and what it was decided from. */
export interface FrozenRecipe extends Omit<PreparedRun, 'runId'> {
  readonly name: string
}

/** Imports the data, freezes the recipe and inserts the run as `queued`. Nothing is started. */
export function prepareRun(draft: RecipeDraft, options: PrepareOptions): Promise<Result<PreparedRun>> {
  return attemptAsync(async () => {
    const { writer } = options
    const { name, ...frozen } = await freezeDraft(draft, options)
    const projectId = keepFrozen({ name, ...frozen }, options)
    const { id } = unwrap(writer.createRun(newRunOf(frozen, { projectId, name })))
    return { runId: id, ...frozen }
  })
}

/** Imports the data and freezes the recipe; the journal hears of nothing. Throws ProblemError. */
export async function freezeDraft(
  draft: RecipeDraft,
  options: Pick<PrepareOptions, 'library' | 'availableBytes' | 'comesBack'>,
): Promise<FrozenRecipe> {
  const { library } = options
  const model = unwrap(await showModel(library, draft.model))
  const planned = await readPlannedModel(library, model)
  requireFit(draft, model, planned)
  const device = unwrap(await resolveDevice(library, draft.device, model.id))
  const { dataset, before } = await importData(library, draft)
  const wanted = { ...draft, device: device.device }
  const imported = { dataset, before }
  const {
    draft: fitting,
    changed,
    memory,
  } = await fitRecipe(wanted, model, planned, imported, {
    library,
    availableBytes: options.availableBytes ?? availableMemory() + (options.comesBack?.(device.device) ?? 0),
    memoryFactor: memoryFactorOf(device.figure),
  })
  const recipe = freezeRecipe(fitting, model, imported, describeMachine().physicalCores)
  const { cards } = await readGraphicsOfComputer()
  const { bytesPerValue } = planned
  const { base } = recipe.method
  const onCard =
    memory === null
      ? []
      : cardMemorySentences({ choice: device, modelId: model.id, memory, base, bytesPerValue, cards })
  const name = draft.name ?? dataset.source.name
  return { recipe, model, dataset, before, changed, device, onCard, name }
}

/** Model, data and project stand in the journal before what refers to them. Gives back the project's id. */
export function keepFrozen(
  { model, dataset, before, recipe, name }: FrozenRecipe,
  {
    writer,
    projectId,
  }: Pick<PrepareOptions, 'projectId'> & { writer: Omit<PrepareOptions['writer'], 'createRun'> },
): string {
  const id = projectId ?? unwrap(writer.ensureProject({ name, scenario: recipe.scenario })).id
  unwrap(writer.addModel(modelRecord(model)))
  for (const one of before === null ? [dataset] : [dataset, before])
    unwrap(writer.addDataset(datasetRecord(one)))
  return id
}

/** A run of this recipe, as the journal takes it. `device`: why this one; left out, nothing is to be said of it. */
export function newRunOf(
  {
    recipe,
    changed = [],
    device,
  }: Pick<FrozenRecipe, 'recipe'> & Partial<Pick<FrozenRecipe, 'changed' | 'device'>>,
  { projectId, name, id }: Pick<NewRun, 'projectId' | 'name' | 'id'>,
): NewRun {
  return {
    ...(id !== undefined && { id }),
    projectId,
    name,
    recipe,
    backend: 'not started yet',
    device: {
      ...describeMachine(),
      changed,
      ...(device && { reason: device.reason, notices: noticesOf(device, changed) }),
    },
    versions: describeVersions(),
  }
}

/** What the run tells when it begins. */
const noticesOf = ({ isNotable, reason }: DeviceChoice, changed: readonly string[]): string[] => [
  ...(isNotable ? [reason] : []),
  ...changed,
]

type Imported = Pick<PreparedRun, 'dataset' | 'before'>

/** Throws ProblemError: of two files it says which one it is about. */
async function importData(library: Library, { data, scenario, before }: RecipeDraft): Promise<Imported> {
  if (before === null) return { dataset: unwrap(await importDataset(library, data, scenario)), before: null }
  const { path, ...settings } = data
  const prepared = await prepareData(path, { scenario, ...settings })
  const dataset = await keepDataset(library, prepared, scenario)
  const texts = await prepareStageTexts(before, { prepared, scenario })
  return { dataset, before: await keepDataset(library, texts, 'domain') }
}

/**
 * What can be known to fail before anything is imported: a model that cannot be asked, settings it cannot have. Where a
 * scenario's rows bring nothing to read, where a new last layer reads the text alone, and of a model that makes one text of
 * another, no chat template is needed.
 */
function requireFit(draft: RecipeDraft, model: ModelManifest, { config }: PlannedModel): void {
  const refused = refusedRecipe(draft, config)
  if (refused !== null) throw new ProblemError(refused)
  const isAsked =
    scenarioOf(draft.scenario).inputRoles.length > 0 &&
    !hasClassHead(draft.method) &&
    config.kind !== 'sequence-to-sequence'
  if (isAsked && !model.hasChatTemplate)
    throw new ProblemError({
      code: 'template.invalid',
      message: 'This model has no chat template: it cannot be spoken to, so it cannot learn to answer.',
      where: `${model.name} (${model.id})`,
      remedy: 'Choose an instruct or chat version of this model.',
    })
}

/**
 * What a draft becomes where memory is short. Throws ProblemError: data.too-few-rows where all rows, or all texts, are too
 * long; memory.too-small where no change is enough.
 */
async function fitRecipe(
  draft: RecipeDraft,
  { id }: ModelManifest,
  model: PlannedModel,
  { dataset, before }: Imported,
  {
    library,
    availableBytes,
    memoryFactor,
  }: Pick<PrepareOptions, 'library'> & { readonly availableBytes: number; readonly memoryFactor: number },
): Promise<{ draft: RecipeDraft; changed: readonly string[]; memory: MemoryPlan | null }> {
  const tokenizer = await readTokenizer(modelFolder(library, id))
  const lengthsOf = async (of: DatasetManifest, reading: Reading) =>
    measureTrained(
      unwrap(await readSplit(datasetFolder(library, of.fingerprint), 'train')),
      reading,
      tokenizer,
    )
  const lengths = await lengthsOf(dataset, readingOf(draft, instructionOf(draft, dataset)))
  const textLengths = before && (await lengthsOf(before, readingOfTexts))
  const tooLong = allTooLong({ lengths, textLengths }, draft.batch.maxTokens)
  if (tooLong !== null) throw new ProblemError(tooLong)
  const classes = classNamesOf(draft.scenario, dataset).length
  const plan = planRun({ recipe: draft, model, lengths, textLengths, classes, availableBytes, memoryFactor })
  // That every row is too long with its template is for the trainer to say.
  if (plan === null) return { draft, changed: [], memory: null }
  const problem = memoryProblem(plan, totalmem())
  if (problem !== null) throw new ProblemError(problem)
  return { draft: plan.recipe, changed: plan.sentences, memory: plan.memory }
}

/** The draft with everything decided: the same recipe on the same machine gives the same bits. */
function freezeRecipe(
  draft: RecipeDraft,
  model: ModelManifest,
  { dataset, before }: Imported,
  physicalCores: number,
): Recipe {
  const { name: _name, model: _model, data: _data, language: _language, ...settings } = draft
  const instruction = instructionOf(draft, dataset)
  return recipeSchema.parse({
    ...settings,
    version: 1,
    model: { id: model.id, weightsSha256: model.weightsSha256 },
    data: { fingerprint: dataset.fingerprint },
    before: before && stageOf(draft, before),
    instruction,
    threads: draft.threads ?? physicalCores,
    device: draft.device ?? 'cpu',
  })
}

function stageOf({ before: wanted }: RecipeDraft, { fingerprint }: DatasetManifest): Recipe['before'] {
  return wanted && { fingerprint, epochs: wanted.epochs, learningRate: wanted.learningRate }
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

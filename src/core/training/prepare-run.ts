// From a draft to a run in the journal: model and data become what they are byte for byte, and the recipe is frozen.
import type { JournalWriter } from '#journal/writer.ts'
import type { DatasetManifest } from '#shared/dataset.ts'
import { type Recipe, type RecipeDraft, recipe as recipeSchema } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { importDataset } from '../data/import-dataset.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { showModel } from '../models/model-library.ts'
import { readModelSizes } from '../models/model-sizes.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { Library } from '../system/library.ts'
import { describeMachine, describeVersions } from '../system/machine.ts'

export interface PreparedRun {
  readonly runId: string
  readonly recipe: Recipe
  readonly model: ModelManifest
  readonly dataset: DatasetManifest
}

export interface PrepareOptions {
  readonly library: Library
  readonly writer: Pick<JournalWriter, 'ensureProject' | 'addModel' | 'addDataset' | 'createRun'>
  /** The project it belongs to; left out, the project of the run's name, made where there is none. */
  readonly projectId?: string
}

/** Imports the data, freezes the recipe and inserts the run as `queued`. Nothing is started. */
export function prepareRun(draft: RecipeDraft, options: PrepareOptions): Promise<Result<PreparedRun>> {
  return attemptAsync(async () => {
    const { library, writer } = options
    const model = unwrap(await showModel(library, draft.model))
    await requireFit(draft, model, library)
    const dataset = unwrap(await importDataset(library, draft.data, draft.scenario))
    const machine = describeMachine()
    const recipe = freezeRecipe(draft, model, dataset, machine.physicalCores)
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
        device: machine,
        versions: describeVersions(),
      }),
    )
    return { runId: id, recipe, model, dataset }
  })
}

/**
 * What can be known to fail before anything is imported: a model that cannot be asked, more blocks than it has. Where a
 * scenario's rows bring nothing to read, the model learns plain texts, and needs no chat template.
 */
async function requireFit(draft: RecipeDraft, model: ModelManifest, library: Library): Promise<void> {
  const isAsked = scenarioOf(draft.scenario).inputRoles.length > 0
  if (isAsked && !model.hasChatTemplate)
    throw new ProblemError({
      code: 'template.invalid',
      message: 'This model has no chat template: it cannot be spoken to, so it cannot learn to answer.',
      where: `${model.name} (${model.id})`,
      remedy: 'Choose an instruct or chat version of this model.',
    })
  const { layers } = await readModelSizes(library, model)
  const { topLayers } = draft.method
  if (topLayers !== null && topLayers > layers)
    throw new ProblemError({
      code: 'recipe.invalid',
      message: `At method.topLayers: expected at most ${layers}, got ${topLayers}. This model has ${layers} blocks.`,
      where: 'method.topLayers',
      remedy: 'Choose a smaller number, or leave it out to adapt all blocks.',
    })
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

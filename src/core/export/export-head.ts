// Copies a model with a new last layer out of the library, as a folder that needs nothing beside it: the adapter worked into
// the model and the layer put on it, or, where the run left a model, that one.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoraMethod } from '#engine/index.ts'
import type { HashedFolder, TunedVersion } from '#shared/proof-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'
import { attemptAsync, type Result } from '#shared/result.ts'
import { chosenWeights, floatConfig, type NewValues } from '../models/changed-weights.ts'
import { type HeadTask, headConfig, headWeights } from '../models/head-folder.ts'
import { mergedWeights } from '../models/merged-weights.ts'
import { readModelConfig, readModelJson } from '../models/model-json.ts'
import { readTrainedHead } from '../models/trained-head.ts'
import { methodOf, taskOf } from '../training/method-of.ts'
import { tunedWeightsPath } from '../training/tuned-version.ts'
import { type ExportContent, type Exported, type ExportPlace, writeExport } from './export-folder.ts'
import { type CardFacts, modelCard } from './model-card.ts'
import { ownWeights } from './own-weights.ts'

export interface HeadExport extends ExportPlace {
  readonly model: HashedFolder
  readonly tuned: TunedVersion
  readonly recipe: Recipe
  readonly classNames: readonly string[]
  readonly card: CardFacts
}

/** Problems: export.failed, checkpoint.damaged, model.damaged, disk.full, disk.failed. */
export function exportHead(spec: HeadExport): Promise<Result<Exported>> {
  return attemptAsync(async () => {
    const { model, classNames, card } = spec
    const task = await taskOfHead(spec)
    const known = (await readModelJson(model.folder, 'config.json')) as Record<string, unknown>
    const config = floatConfig(headConfig(known, task, classNames))
    const read = (name: string): Promise<string> => readFile(join(model.folder, name), 'utf8')
    const head = { task, family: String(known.model_type), classNames }
    const weights = await weightsOf(spec, known, task)
    const texts = [
      ['config.json', `${JSON.stringify(config, null, 1)}\n`],
      ['tokenizer.json', await read('tokenizer.json')],
      ['tokenizer_config.json', await read('tokenizer_config.json')],
    ] as const
    return writeExport(spec, (folderName) => ({
      ...weights,
      texts: new Map([...texts, ['README.md', modelCard({ ...card, head }, folderName)]]),
    }))
  })
}

async function taskOfHead({ model, recipe, classNames }: HeadExport): Promise<HeadTask> {
  const { method, scenario } = recipe
  const task = taskOf(method, scenario, classNames.length, await readModelConfig(model.folder))
  if (task.kind === 'language-model') throw new Error('a run without a new last layer')
  return task
}

async function weightsOf(
  { model, tuned, recipe }: HeadExport,
  known: Readonly<Record<string, unknown>>,
  task: HeadTask,
): Promise<Pick<ExportContent, 'weights' | 'checkWeights'>> {
  if (tuned.kind === 'model') return ownWeights(tuned)
  const config = await readModelConfig(model.folder)
  const method = methodOf(recipe.method) as LoraMethod
  const tensors = await readTrainedHead(tunedWeightsPath(tuned), config, method, task)
  const values = new Map<string, NewValues>(mergedWeights(model.folder, config, { method, tensors }))
  for (const [name, { data }] of tensors) values.set(name, () => data as Float32Array)
  const weights = headWeights(config, known, task, values)
  return { weights: { name: 'model.safetensors', chunks: chosenWeights(model.folder, weights) } }
}

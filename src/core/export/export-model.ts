// Copies what a run made out of the library as a whole model, that needs nothing beside it: a Hugging Face folder, or a GGUF
// file. An adapter is worked into its model on the way.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExportForm } from '#shared/export-forms.ts'
import type { HashedFolder, TunedVersion } from '#shared/proof-protocol.ts'
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import { readAdapter } from '../models/adapter-folder.ts'
import { changedWeights, floatConfig, type NewValues } from '../models/changed-weights.ts'
import { BeyondHalf, ggufOfFolder } from '../models/gguf-of-folder.ts'
import { mergedWeights } from '../models/merged-weights.ts'
import { readModelConfig, readModelJson } from '../models/model-json.ts'
import { type ExportContent, type Exported, type ExportPlace, writeExport } from './export-folder.ts'
import { type CardFacts, modelCard } from './model-card.ts'
import { ownWeights } from './own-weights.ts'

export type WholeForm = Exclude<ExportForm, 'peft'>

export interface ModelExport extends ExportPlace {
  readonly model: HashedFolder
  readonly tuned: TunedVersion
  readonly form: WholeForm
  readonly card: CardFacts
}

/** Where weights come from: a folder, and those that take the place of its own. */
interface Source {
  readonly folder: string
  readonly replaced: ReadonlyMap<string, NewValues>
}

/**
 * Problems: model.unsupported-family (GGUF of a family that we do not write), export.failed, checkpoint.damaged,
 * model.damaged, disk.full, disk.failed.
 */
export function exportModel(spec: ModelExport): Promise<Result<Exported>> {
  return attemptAsync(async () => {
    const source = await sourceOf(spec)
    const texts = spec.form === 'model' ? await textsOf(source.folder) : []
    return await writeExport(spec, (folderName) => ({
      ...weightsOf(spec, source),
      texts: new Map([...texts, ['README.md', modelCard(spec.card, folderName)]]),
    })).catch((error: unknown) => {
      throw asRefusal(error)
    })
  })
}

async function sourceOf({ model, tuned }: ModelExport): Promise<Source> {
  if (tuned.kind === 'model') return { folder: tuned.folder, replaced: new Map() }
  const config = await readModelConfig(model.folder)
  const adapter = await readAdapter(tuned.folder, config)
  return { folder: model.folder, replaced: mergedWeights(model.folder, config, adapter) }
}

async function textsOf(folder: string): Promise<[string, string][]> {
  const config = floatConfig((await readModelJson(folder, 'config.json')) as object)
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
  return [
    ['config.json', `${JSON.stringify(config, null, 1)}\n`],
    ['tokenizer.json', await read('tokenizer.json')],
    ['tokenizer_config.json', await read('tokenizer_config.json')],
  ]
}

function weightsOf(
  { form, tuned }: ModelExport,
  { folder, replaced }: Source,
): Pick<ExportContent, 'weights' | 'checkWeights'> {
  if (form !== 'model') {
    const type = form === 'gguf-f16' ? 'F16' : 'Q8_0'
    return { weights: { name: `model-${type}.gguf`, chunks: ggufOfFolder(folder, replaced, type) } }
  }
  if (tuned.kind === 'model') return ownWeights(tuned)
  return { weights: { name: 'model.safetensors', chunks: changedWeights(folder, replaced) } }
}

/** What a person can do instead, where GGUF cannot be written. */
function asRefusal(error: unknown): unknown {
  if (error instanceof BeyondHalf)
    return new ProblemError({
      code: 'export.failed',
      message: 'A weight of this model is too large for half precision.',
      where: 'GGUF F16',
      remedy: 'Export it as GGUF Q8_0, or as a model folder.',
    })
  if (!(error instanceof ProblemError) || error.problem.code !== 'model.unsupported-family') return error
  return new ProblemError({
    ...error.problem,
    message: `${error.problem.message} Tunewright writes GGUF files of Llama models only.`,
    remedy:
      'Export it in another form. Models of this family can be trained, measured, talked with and exported as a folder.',
  })
}

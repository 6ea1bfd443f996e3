// A model folder of the library, opened for computing: config, text side, and where every weight lies. Checks what it
// reads; computes nothing.
import { join } from 'node:path'
import { readModelJson } from '#core/models/model-json.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import {
  type BuiltGraph,
  type ModelConfig,
  type ReadWeight,
  ropeWeights,
  type WeightLocation,
} from '#engine/index.ts'
import { type ChatTemplate, chatTemplateSource, compileChatTemplate } from '#formats/chat-template.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { fail, ProblemError, unwrap } from '#shared/result.ts'

export interface TextSide {
  readonly tokenizer: Tokenizer
  readonly template: ChatTemplate
  /** Without one the template refuses every conversation. */
  readonly hasTemplate: boolean
}

const weightsFile = 'model.safetensors'

const damaged = (where: string, message: string): ProblemError =>
  new ProblemError({
    code: 'model.damaged',
    message,
    where,
    remedy: 'Add the model again, or train the run again if it is a trained version.',
  })

/** Stands for the template of a model that has none: plain texts are read without one, a conversation is refused. */
const noTemplate = (folder: string): ChatTemplate => ({
  source: '',
  render: () =>
    fail({
      code: 'template.invalid',
      message: 'This model has no chat template, so it cannot be asked in a conversation.',
      where: join(folder, 'tokenizer_config.json'),
      remedy: 'Choose an instruct or chat version of this model.',
    }),
})

/** Tokenizer and chat template of a model folder. Throws ProblemError. */
export async function readTextSide(folder: string): Promise<TextSide> {
  const config = await readModelJson(folder, 'tokenizer_config.json')
  const tokenizer = unwrap(loadTokenizer(await readModelJson(folder, 'tokenizer.json'), config))
  const source = chatTemplateSource(config)
  if (source === null) return { tokenizer, template: noTemplate(folder), hasTemplate: false }
  const tokens = { bosToken: tokenizer.bos?.text ?? null, eosToken: tokenizer.eos?.text ?? null }
  return { tokenizer, template: unwrap(compileChatTemplate(source, tokens)), hasTemplate: true }
}

/** Weights of the model as float32, one after the other; null where the file does not hold one. Throws ProblemError. */
export async function openWeights(folder: string): Promise<{ read: ReadWeight; close(): Promise<void> }> {
  const file = await openFileBytes(join(folder, weightsFile))
  const { tensors } = unwrap(await readSafetensorsHeader(file))
  return {
    async read(name) {
      const entry = tensors.get(name)
      return entry ? unwrap(await readFloat32(file, entry)) : null
    },
    close: () => file.close(),
  }
}

const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/**
 * Where every weight that a graph has frozen lies, and rope tables for `positions` positions; `quantised` weights are read
 * in place of those of the model's own file. Throws ProblemError.
 */
export async function locateWeights(
  folder: string,
  config: ModelConfig,
  { frozen }: Pick<BuiltGraph, 'frozen'>,
  positions: number,
  quantised: ReadonlyMap<string, WeightLocation> = new Map(),
): Promise<Map<string, WeightLocation>> {
  const file = await openFileBytes(join(folder, weightsFile))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    const ropes = ropeWeights(config, positions)
    const locations = new Map<string, WeightLocation>()
    for (const { name } of frozen) {
      const tensor = ropes.get(name)
      const known = tensor ? ({ kind: 'memory', tensor } as const) : quantised.get(name)
      if (known) {
        locations.set(name, known)
        continue
      }
      const entry = tensors.get(name)
      const dtype = entry && dtypeNames[entry.dtype as keyof typeof dtypeNames]
      if (!entry || !dtype)
        throw damaged(
          `${join(folder, weightsFile)}, ${name}`,
          'A weight of the model is missing or unusable.',
        )
      const { offsetBytes, lengthBytes, shape } = entry
      locations.set(name, { kind: 'file', folder, file: weightsFile, offsetBytes, lengthBytes, dtype, shape })
    }
    return locations
  } finally {
    await file.close()
  }
}

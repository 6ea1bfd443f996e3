// A model folder of the library, opened for computing: config, text side, and where every weight lies. Checks what it
// reads; computes nothing.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFileBytes } from '#core/system/file-bytes.ts'
import type { MethodSpec, ModelConfig, Tensor, WeightLocation } from '#engine/index.ts'
import { adapterShapes, parameterShapes, parseModelConfig, ropeWeights } from '#engine/index.ts'
import { type ChatTemplate, chatTemplateSource, compileChatTemplate } from '#formats/chat-template.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { linearNames } from '#shared/recipe.ts'
import { fail, ProblemError, unwrap } from '#shared/result.ts'

export interface TextSide {
  readonly tokenizer: Tokenizer
  readonly template: ChatTemplate
  /** Without one the template refuses every conversation. */
  readonly hasTemplate: boolean
}

const weightsFile = 'model.safetensors'
export const adapterFile = 'adapter_model.safetensors'
/** PEFT wraps the model twice: PeftModel.base_model (LoraModel).model. */
export const adapterPrefix = 'base_model.model.'

const damaged = (where: string, message: string, details?: string): ProblemError =>
  new ProblemError({
    code: 'model.damaged',
    message,
    where,
    remedy: 'Add the model again, or train the run again if it is an adapter.',
    ...(details === undefined ? {} : { details }),
  })

/** A JSON file of a model or adapter folder. Throws ProblemError (model.damaged). */
export async function readJson(folder: string, name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, name), 'utf8'))
  } catch (error) {
    throw damaged(join(folder, name), 'A file of the model is missing or unreadable.', String(error))
  }
}

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
  const config = await readJson(folder, 'tokenizer_config.json')
  const tokenizer = unwrap(loadTokenizer(await readJson(folder, 'tokenizer.json'), config))
  const source = chatTemplateSource(config)
  if (source === null) return { tokenizer, template: noTemplate(folder), hasTemplate: false }
  const tokens = { bosToken: tokenizer.bos?.text ?? null, eosToken: tokenizer.eos?.text ?? null }
  return { tokenizer, template: unwrap(compileChatTemplate(source, tokens)), hasTemplate: true }
}

export async function readModelConfig(folder: string): Promise<ModelConfig> {
  return unwrap(parseModelConfig(await readJson(folder, 'config.json')))
}

const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/** Where every weight of the model lies, and rope tables for `positions` positions. Throws ProblemError. */
export async function locateWeights(
  folder: string,
  config: ModelConfig,
  positions: number,
): Promise<Map<string, WeightLocation>> {
  const file = await openFileBytes(join(folder, weightsFile))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    const locations = new Map<string, WeightLocation>()
    for (const { name } of parameterShapes(config)) {
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
    for (const [name, tensor] of ropeWeights(config, positions))
      locations.set(name, { kind: 'memory', tensor })
    return locations
  } finally {
    await file.close()
  }
}

export interface Adapter {
  readonly method: Extract<MethodSpec, { kind: 'lora' }>
  /** Trainable parameters of the graph by name, as trained. */
  readonly tensors: ReadonlyMap<string, Tensor>
}

/** The adapter of a run: a folder in PEFT's form. Throws ProblemError. */
export async function readAdapter(folder: string, config: ModelConfig): Promise<Adapter> {
  const method = readAdapterMethod(await readJson(folder, 'adapter_config.json'), config, folder)
  const file = await openFileBytes(join(folder, adapterFile))
  try {
    const { tensors: entries } = unwrap(await readSafetensorsHeader(file))
    const tensors = new Map<string, Tensor>()
    for (const { name, shape } of adapterShapes(config, method)) {
      const entry = entries.get(`${adapterPrefix}${name}`)
      if (!entry || entry.shape.join() !== shape.join())
        throw damaged(
          `${join(folder, adapterFile)}, ${name}`,
          'A weight of the adapter is missing or misshaped.',
        )
      tensors.set(name, { dtype: 'float32', shape, data: unwrap(await readFloat32(file, entry)) })
    }
    if (tensors.size !== entries.size)
      throw damaged(join(folder, adapterFile), 'The adapter has weights that its description does not name.')
    return { method, tensors }
  } finally {
    await file.close()
  }
}

/** The same adapter with every B zero: adds exactly nothing, so the graph with it is the base model. */
export function zeroAdapter(adapter: Adapter): ReadonlyMap<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  for (const [name, tensor] of adapter.tensors)
    tensors.set(
      name,
      name.includes('.lora_B.') ? { ...tensor, data: new Float32Array(tensor.data.length) } : tensor,
    )
  return tensors
}

function readAdapterMethod(value: unknown, config: ModelConfig, folder: string): Adapter['method'] {
  const where = join(folder, 'adapter_config.json')
  const fields = (value ?? {}) as Record<string, unknown>
  const { r: rank, lora_alpha: alpha, target_modules: targets, layers_to_transform: layers } = fields
  const names = Array.isArray(targets) ? linearNames.filter((name) => targets.includes(name)) : []
  if (typeof rank !== 'number' || typeof alpha !== 'number' || names.length === 0)
    throw damaged(where, 'The description of the adapter is incomplete.')
  return { kind: 'lora', rank, alpha, targets: names, topLayers: countTopLayers(layers, config, where) }
}

/** PEFT lists the adapted blocks; ours are always the uppermost ones. */
function countTopLayers(layers: unknown, config: ModelConfig, where: string): number | null {
  if (layers === null || layers === undefined) return null
  const listed = Array.isArray(layers) ? layers.map(Number).sort((a, b) => a - b) : []
  const first = config.layers - listed.length
  if (listed.length === 0 || listed.some((layer, index) => layer !== first + index))
    throw damaged(where, 'The adapter lists blocks that are not the uppermost ones.')
  return listed.length
}

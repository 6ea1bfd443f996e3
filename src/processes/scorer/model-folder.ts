// A model folder of the library, opened for computing: config, text side, and where every weight lies. Checks what it
// reads; computes nothing.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFileBytes } from '#core/system/file-bytes.ts'
import {
  adaptedLinears,
  adapterShapes,
  type BuiltGraph,
  type LoraMethod,
  layerLinears,
  type ModelConfig,
  parseModelConfig,
  type ReadWeight,
  ropeWeights,
  type Tensor,
  type WeightLocation,
} from '#engine/index.ts'
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

/** Which weights the file holds decides what it is a model of, besides its config.json. Throws ProblemError. */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const file = await openFileBytes(join(folder, weightsFile))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    return unwrap(parseModelConfig(await readJson(folder, 'config.json'), tensors.keys()))
  } finally {
    await file.close()
  }
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

export interface Adapter {
  readonly method: LoraMethod
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

/** Our adapters are on linear layers of the same roles in all of the uppermost blocks; another is refused. */
function readAdapterMethod(value: unknown, config: ModelConfig, folder: string): LoraMethod {
  const where = join(folder, 'adapter_config.json')
  const fields = (value ?? {}) as Record<string, unknown>
  const { r: rank, lora_alpha: alpha } = fields
  const named = namedLinears(fields, config)
  const lowest = Math.min(...named.map(({ layer }) => layer))
  if (typeof rank !== 'number' || typeof alpha !== 'number' || named.length === 0)
    throw damaged(where, 'The description of the adapter is incomplete.')
  const roles = new Set(named.flatMap(({ linear }) => linear.roles))
  const method: LoraMethod = {
    kind: 'lora',
    rank,
    alpha,
    targets: linearNames.filter((name) => roles.has(name)),
    topLayers: lowest === 0 ? null : config.layers - lowest,
    scaling: fields.use_rslora === true ? 'rank-stabilised' : 'standard',
    decomposed: fields.use_dora === true,
  }
  if (adaptedLinears(config, method).length !== named.length)
    throw damaged(where, 'The adapter is not on the same parts of all the uppermost blocks.')
  return method
}

/** PEFT's rule: a layer is adapted where its path is a target or ends with one, in the blocks that are listed. */
function namedLinears(fields: Readonly<Record<string, unknown>>, config: ModelConfig) {
  const { target_modules: targets, layers_to_transform: blocks } = fields
  const names = Array.isArray(targets) ? targets.map(String) : []
  const listed = Array.isArray(blocks) ? new Set(blocks.map(Number)) : null
  const isNamed = (path: string): boolean => names.some((name) => `.${path}`.endsWith(`.${name}`))
  return Array.from({ length: config.layers }, (_, layer) => layer)
    .filter((layer) => listed === null || listed.has(layer))
    .flatMap((layer) => layerLinears(config, layer).map((linear) => ({ layer, linear })))
    .filter(({ linear }) => isNamed(linear.path))
}

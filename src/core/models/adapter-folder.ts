// The adapter of a run, read from its folder in PEFT's form. Checks what it reads; computes nothing.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  adaptedLinears,
  adapterShapes,
  type LoraMethod,
  layerLinears,
  type ModelConfig,
  nameInClass,
  type Tensor,
} from '#engine/index.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { linearNames } from '#shared/recipe.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { openFileBytes } from '../system/file-bytes.ts'

const weightsFile = 'adapter_model.safetensors'
const configFile = 'adapter_config.json'
/** PEFT wraps the model twice: PeftModel.base_model (LoraModel).model. */
export const adapterPrefix = 'base_model.model.'

const damaged = (where: string, message: string, details?: string): ProblemError =>
  new ProblemError({
    code: 'model.damaged',
    message,
    where,
    remedy: 'Train the run again: its recipe gives the same adapter.',
    ...(details === undefined ? {} : { details }),
  })

async function readConfig(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, configFile), 'utf8'))
  } catch (error) {
    throw damaged(join(folder, configFile), 'A file of the adapter is missing or unreadable.', String(error))
  }
}

export interface Adapter {
  readonly method: LoraMethod
  /** Trainable parameters of the graph by name, as trained. */
  readonly tensors: ReadonlyMap<string, Tensor>
}

/** The adapter of a run: a folder in PEFT's form. Throws ProblemError. */
export async function readAdapter(folder: string, config: ModelConfig): Promise<Adapter> {
  const method = readAdapterMethod(await readConfig(folder), config, folder)
  const file = await openFileBytes(join(folder, weightsFile))
  try {
    const { tensors: entries } = unwrap(await readSafetensorsHeader(file))
    const tensors = new Map<string, Tensor>()
    for (const { name, shape } of adapterShapes(config, method)) {
      const entry = entries.get(adapterPrefix + nameInClass(config, name))
      if (!entry || entry.shape.join() !== shape.join())
        throw damaged(
          `${join(folder, weightsFile)}, ${name}`,
          'A weight of the adapter is missing or misshaped.',
        )
      tensors.set(name, { dtype: 'float32', shape, data: unwrap(await readFloat32(file, entry)) })
    }
    if (tensors.size !== entries.size)
      throw damaged(join(folder, weightsFile), 'The adapter has weights that its description does not name.')
    return { method, tensors }
  } finally {
    await file.close()
  }
}

/** Our adapters are on linear layers of the same roles in all of the uppermost blocks; another is refused. */
function readAdapterMethod(value: unknown, config: ModelConfig, folder: string): LoraMethod {
  const where = join(folder, configFile)
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
    .filter(({ linear }) => isNamed(nameInClass(config, linear.path)))
}

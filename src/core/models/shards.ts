// The weight files of a Hugging Face folder: one model.safetensors, or the shards that model.safetensors.index.json
// names. Refuses indexes that lead out of the folder, disagree with the shards, or miss a tensor.
import type { ModelConfig, NamedShape } from '#engine/index.ts'
import { mayHoldBesides, optionalShapes, parameterShapes } from '#engine/index.ts'
import {
  readSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SafetensorsInput,
} from '#formats/safetensors.ts'
import { weightLimits } from '#formats/weight-limits.ts'
import { quoteForeign } from '#formats/weight-problems.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { OpenFile } from '../system/file-bytes.ts'
import type { WeightType } from './manifest.ts'
import {
  type FileState,
  openUnchanged,
  parseForeignJson,
  readText,
  requireBaseName,
  statFileIn,
} from './safe-files.ts'

const singleFile = 'model.safetensors'
const indexFile = 'model.safetensors.index.json'
const maxShards = 1_000

export interface Weights {
  readonly config: ModelConfig
  readonly files: readonly FileState[]
  readonly weightType: WeightType
  readonly tensors: () => Promise<readonly SafetensorsInput[]>
  readonly close: () => Promise<void>
}

interface Shard {
  readonly file: FileState
  readonly source: OpenFile
  readonly header: SafetensorsFile
}

interface Located {
  readonly shard: Shard
  readonly entry: SafetensorsEntry
}

const missing = (message: string, where: string): ProblemError =>
  new ProblemError({
    code: 'model.missing-tensor',
    message,
    where,
    remedy: 'Download or copy the whole model again.',
  })

/**
 * Finds and checks every weight that the config asks for, which `readConfig` reads knowing the names of all tensors; null
 * where the folder has no safetensors. Throws ProblemError.
 */
export async function openWeights(
  folder: string,
  readConfig: (names: Iterable<string>) => ModelConfig,
): Promise<Weights | null> {
  const single = await statFileIn(folder, singleFile)
  const index = single ? null : await statFileIn(folder, indexFile)
  if (!single && !index) return null
  const map = index ? await readIndex(index) : null
  const names = map ? [...new Set(map.values())].sort() : [singleFile]
  const files: FileState[] = []
  for (const name of names) {
    const file = name === singleFile && single ? single : await statFileIn(folder, name)
    if (!file) throw missing(`The index names the file ${name}, which is not in the folder.`, indexFile)
    files.push(file)
  }
  const open: OpenFile[] = []
  const close = async (): Promise<void> => {
    for (const source of open) await source.close()
  }
  try {
    const shards: Shard[] = []
    for (const file of files) {
      const source = await openUnchanged(file)
      open.push(source)
      shards.push({ file, source, header: unwrap(await readSafetensorsHeader(source)) })
    }
    const located = locate(shards, map)
    const config = readConfig(located.keys())
    const wanted = requireTensors(located, config)
    return {
      config,
      files: index ? [...files, index] : files,
      weightType: typeOf(wanted.map(({ found }) => found.entry)),
      tensors: async () => wanted.map(({ shape: { name, shape }, found }) => input(name, shape, found)),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Tensor name to shard name. */
async function readIndex(file: FileState): Promise<ReadonlyMap<string, string>> {
  const text = await readText(file, weightLimits.shardIndexBytes, 'model.invalid-config')
  const value = parseForeignJson(text, indexFile)
  const map = (value as { weight_map?: unknown } | null)?.weight_map
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw missing('The index has no weight_map.', indexFile)
  const entries = Object.entries(map as Record<string, unknown>).map(([tensor, name]): [string, string] => {
    const where = `${indexFile}, weight_map ${quoteForeign(tensor)}`
    if (typeof name !== 'string' || !name.endsWith('.safetensors'))
      throw new ProblemError({
        code: 'file.unsafe',
        message: `The index names ${typeof name === 'string' ? quoteForeign(name) : 'something'} as a weight file; only safetensors are read.`,
        where,
        remedy: 'Use the model as safetensors.',
      })
    return [tensor, requireBaseName(name, where)]
  })
  if (new Set(entries.map(([, name]) => name)).size > maxShards)
    throw missing(`The index names more than ${maxShards} files.`, indexFile)
  return new Map(entries)
}

/** Every tensor with its shard; none may be in two shards, none elsewhere than the index says. */
function locate(shards: readonly Shard[], map: ReadonlyMap<string, string> | null): Map<string, Located> {
  const located = new Map<string, Located>()
  for (const shard of shards)
    for (const [name, entry] of shard.header.tensors) {
      const where = `${shard.file.name}, tensor ${quoteForeign(name)}`
      if (located.has(name)) throw missing('The tensor is in two files.', where)
      if (map && map.get(name) !== shard.file.name)
        throw missing('The index says that the tensor is in another file.', where)
      located.set(name, { shard, entry })
    }
  for (const [name, file] of map ?? [])
    if (!located.has(name)) throw missing(`The tensor ${quoteForeign(name)} is not in the file.`, file)
  return located
}

const floatTypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

interface Wanted {
  readonly shape: NamedShape
  readonly found: Located
}

function requireTensors(located: ReadonlyMap<string, Located>, config: ModelConfig): Wanted[] {
  const optional = optionalShapes(config).filter(
    ({ name, shape }) => located.get(name)?.entry.shape.join() === shape.join(),
  )
  const expected = [...parameterShapes(config), ...optional]
  const wanted = expected.map((wish) => {
    const { name, shape } = wish
    const found = located.get(name)
    if (!found) throw missing(`The model lacks the tensor ${name}.`, 'safetensors')
    const where = `${found.shard.file.name}, tensor ${name}`
    if (!(found.entry.dtype in floatTypes))
      throw new ProblemError({
        code: 'safetensors.invalid',
        message: `The tensor is stored as ${found.entry.dtype}; float32, float16 and bfloat16 can be trained.`,
        where,
        remedy: 'Use a copy of this model that has not been quantised.',
      })
    if (found.entry.shape.join() !== shape.join())
      throw missing(
        `By its configuration the model needs the shape [${shape.join(', ')}], found [${found.entry.shape.join(', ')}].`,
        where,
      )
    return { shape: wish, found }
  })
  const known = new Set(expected.map(({ name }) => name))
  for (const [name, { shard }] of located)
    if (!known.has(name) && !mayHoldBesides(config, name))
      throw new ProblemError({
        code: 'model.unsupported-family',
        message: 'The model has a tensor that models of this family and configuration do not have.',
        where: `${shard.file.name}, tensor ${quoteForeign(name)}`,
        remedy: 'Choose an ordinary model of a supported family.',
      })
  return wanted
}

function typeOf(entries: readonly SafetensorsEntry[]): WeightType {
  const types = new Set(entries.map(({ dtype }) => floatTypes[dtype as keyof typeof floatTypes]))
  const [only] = types
  return types.size === 1 && only ? only : 'mixed'
}

function input(name: string, shape: readonly number[], { shard, entry }: Located): SafetensorsInput {
  return {
    name,
    dtype: entry.dtype,
    shape,
    async *read() {
      for (let done = 0; done < entry.lengthBytes; done += weightLimits.readBytes) {
        const length = Math.min(weightLimits.readBytes, entry.lengthBytes - done)
        yield await shard.source.read(entry.offsetBytes + done, length)
      }
    },
  }
}

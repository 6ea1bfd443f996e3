// What backends ask the disk about frozen weights: whether the files are as long as they should be, and the few numbers
// that are decoded when a graph is prepared. Beside the sessions the only file of this room that touches the disk.
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CompileOptions, FilePart, QuantisedLocation, Tensor } from '#engine/backend-port.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import { ProblemError } from '#shared/result.ts'
import { bindSizes, type Sizes } from './feeds.ts'
import {
  absmaxName,
  bytesOf,
  decodeAbsmax,
  partsOf,
  type QuantisedIn,
  type StoredWeight,
} from './stored-weights.ts'

export interface FrozenWeights {
  /** Weights in memory, and scales of others: fed on every run. */
  readonly held: ReadonlyMap<string, Tensor>
  /** Symbols whose size the weights decide. */
  readonly known: Sizes
  readonly files: readonly StoredWeight[]
}

/** Checks every frozen weight of the graph. Throws ProblemError. */
export async function bindFrozen(graph: Graph, weights: CompileOptions['weights']): Promise<FrozenWeights> {
  const frozen = graph.parameters.filter((parameter) => !parameter.isTrainable).map(({ value }) => value)
  const held = new Map<string, Tensor>()
  const decoded = new Map<string, Tensor>()
  const files: StoredWeight[] = []
  const sizes = new Map<string, number>()
  for (const value of frozen) {
    const location = weights.get(value.name)
    if (!location) throw missingWeight(value)
    if (location.kind === 'memory') held.set(value.name, location.tensor)
    else files.push(await checkedFile(value, location, sizes))
    if (location.kind === 'quantised' && location.scheme === 'nf4')
      decoded.set(absmaxName(value.name), await readAbsmax(location))
  }
  const isHeld = frozen.filter(({ name }) => held.has(name))
  const known = bindSizes(isHeld, sizes, held)
  return { held: new Map([...held, ...decoded]), known, files }
}

/** A mapped file that is shorter than its header says would kill the process at the first read behind its end. */
async function checkedFile(
  value: Value,
  location: StoredWeight,
  sizes: Map<string, number>,
): Promise<StoredWeight> {
  const where = `${location.file}, ${value.name}`
  if (/[/\\]/.test(location.file)) throw damaged(where, 'the file name contains a path')
  if (location.kind === 'quantised') checkBlocks(location, where)
  const fits = value.shape.every((dim, axis) => {
    const size = location.shape[axis]
    if (typeof dim === 'string' && size !== undefined && !sizes.has(dim)) sizes.set(dim, size)
    return size === (typeof dim === 'string' ? sizes.get(dim) : dim)
  })
  if (!fits || location.shape.length !== value.shape.length)
    throw damaged(where, `shape [${location.shape.join()}], expected [${value.shape.join()}]`)
  const { size } = await stat(join(location.folder, location.file)).catch((error: unknown) => {
    throw damaged(where, String(error))
  })
  for (const [name, part] of partsOf(value.name, location)) {
    if (part.lengthBytes !== bytesOf(part))
      throw damaged(where, `${name}: ${part.lengthBytes} bytes, expected ${bytesOf(part)}`)
    if (size < part.offsetBytes + part.lengthBytes)
      throw damaged(where, `${name}: the file ends at byte ${size}, before the tensor does`)
  }
  return location
}

/** Whole blocks in every row: the quantiser leaves other weights as they are. */
function checkBlocks({ shape, blockValues }: QuantisedLocation, where: string): void {
  if (shape.length !== 2 || shape[1]! % blockValues !== 0)
    throw damaged(where, `shape [${shape.join()}] is not one of rows of blocks of ${blockValues} values`)
}

async function readAbsmax(location: QuantisedIn<'nf4'>): Promise<Tensor> {
  const file = await open(join(location.folder, location.file))
  try {
    const read = async ({ offsetBytes, lengthBytes }: FilePart): Promise<Uint8Array<ArrayBuffer>> => {
      const bytes = new Uint8Array(lengthBytes)
      await file.read(bytes, 0, lengthBytes, offsetBytes)
      return bytes
    }
    const scales = new Float32Array((await read(location.absmaxScales)).buffer)
    const data = decodeAbsmax(location, await read(location.absmaxCodes), scales)
    return { dtype: 'float32', shape: [data.length], data }
  } finally {
    await file.close()
  }
}

const missingWeight = (value: Value): ProblemError =>
  new ProblemError({
    code: 'model.missing-tensor',
    message: 'A part of the model is missing.',
    where: value.name,
    remedy: 'Add the model again.',
  })

const damaged = (where: string, details: string): ProblemError =>
  new ProblemError({
    code: 'model.damaged',
    message: 'A weights file of the model is missing or not what it should be.',
    where,
    remedy: 'Remove this model from the library and add it again.',
    details,
  })

/** What a runtime says when it cannot prepare or run a graph. */
export const computationFailed = (message: string, where: string, error: unknown): ProblemError =>
  new ProblemError({
    code: 'backend.failed',
    message,
    where,
    remedy: 'Try again with smaller batches or fewer threads; if it fails again, report it with the details.',
    details: error instanceof Error ? error.message : String(error),
  })

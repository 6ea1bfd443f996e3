// Frozen weights of products as bfloat16, in a file of the run's work folder: rounded once, as the graph's own cast would
// on every step, and mapped from there. Shared by the sessions of a process, gone with the last of them.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileLocation } from '../stored-weights.ts'
import { halvesOf } from './bfloat16.ts'

export interface HalfWeights {
  /** Where each weight lies as bfloat16, by name. */
  readonly locations: ReadonlyMap<string, FileLocation>
  /** Gives the file back. */
  release(): Promise<void>
}

const none: HalfWeights = { locations: new Map(), release: async () => {} }

/** TensorFlow reads what begins at such a multiple where it lies. */
const alignmentBytes = 64
/** Numbers that are rounded at once. */
const chunkValues = 1 << 20

const usersOf = new Map<string, number>()
/** Files that are being written in this process, by path: another session waits for the same file. */
const unfinishedOf = new Map<string, Promise<void>>()

/**
 * Rounds these weights into one file of `folder`. Where that cannot be written (a full disk), there is none, and the graph
 * rounds them on every step: the same numbers, later.
 */
export async function halveWeights(
  weights: ReadonlyMap<string, FileLocation>,
  folder: string,
): Promise<HalfWeights> {
  if (weights.size === 0) return none
  const file = `${createHash('sha256')
    .update(JSON.stringify([...weights]))
    .digest('hex')
    .slice(0, 16)}.bfloat16`
  const path = join(folder, file)
  // Counted before it is there: a session that ends meanwhile must not take it away.
  usersOf.set(path, (usersOf.get(path) ?? 0) + 1)
  try {
    await writeOnce(weights, folder, path)
  } catch {
    usersOf.set(path, usersOf.get(path)! - 1)
    return none
  }
  return {
    locations: placesIn(weights, folder, file),
    async release() {
      const users = usersOf.get(path)! - 1
      usersOf.set(path, users)
      if (users === 0) await rm(path, { force: true })
    },
  }
}

const alignedUp = (bytes: number): number => Math.ceil(bytes / alignmentBytes) * alignmentBytes

const valuesOf = ({ shape }: FileLocation): number => shape.reduce((product, size) => product * size, 1)

function placesIn(
  weights: ReadonlyMap<string, FileLocation>,
  folder: string,
  file: string,
): ReadonlyMap<string, FileLocation> {
  let offsetBytes = 0
  return new Map(
    [...weights].map(([name, location]) => {
      const lengthBytes = 2 * valuesOf(location)
      const place: FileLocation = { ...location, folder, file, offsetBytes, lengthBytes, dtype: 'bfloat16' }
      offsetBytes += alignedUp(lengthBytes)
      return [name, place]
    }),
  )
}

async function writeOnce(
  weights: ReadonlyMap<string, FileLocation>,
  folder: string,
  path: string,
): Promise<void> {
  const begun = unfinishedOf.get(path)
  if (begun) return begun
  if (existsSync(path)) return
  const written = writeHalves(weights, folder, path).finally(() => unfinishedOf.delete(path))
  unfinishedOf.set(path, written)
  await written
}

/** Under another name until it is whole. */
async function writeHalves(
  weights: ReadonlyMap<string, FileLocation>,
  folder: string,
  path: string,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const unfinished = `${path}.${process.pid}.part`
  try {
    const output = await open(unfinished, 'w')
    try {
      for (const [name, { offsetBytes }] of placesIn(weights, folder, ''))
        await writeWeight(weights.get(name)!, output, offsetBytes)
      const [, last] = [...placesIn(weights, folder, '')].at(-1)!
      await output.truncate(last.offsetBytes + alignedUp(last.lengthBytes))
    } finally {
      await output.close()
    }
    await rename(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
  }
}

async function writeWeight(location: FileLocation, output: FileHandle, at: number): Promise<void> {
  const { folder, file, dtype, offsetBytes } = location
  const width = dtype === 'float32' ? 4 : 2
  const input = await open(join(folder, file))
  try {
    for (let first = 0; first < valuesOf(location); first += chunkValues) {
      const count = Math.min(chunkValues, valuesOf(location) - first)
      const bytes = new Uint8Array(count * width)
      const { bytesRead } = await input.read(bytes, 0, bytes.length, offsetBytes + first * width)
      if (bytesRead !== bytes.length) throw new Error(`${file} ends before a weight does.`)
      await output.write(halvesOf(bytes, dtype), 0, 2 * count, at + 2 * first)
    }
  } finally {
    await input.close()
  }
}

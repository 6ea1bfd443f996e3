// What frozen blocks made of rows, kept on disk so that later passes and later runs need not compute it again. One folder
// for each model and number of blocks; every process appends to a file of its own and reads all. A record that does not
// verify is as good as none. Nothing here is needed: a full disk or a reached limit only means computing again.
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from '#formats/float16.ts'

export interface FrozenKey {
  readonly weightsSha256: string
  /** How the frozen weights are held: 'float', 'nf4', ... */
  readonly base: string
  /** Blocks below the boundary; all of them for a head. */
  readonly blocks: number
  /** C, numbers for each token. */
  readonly width: number
  /** Of what computes: another backend's rounding is another's. */
  readonly backend: string
}

export interface FrozenCache {
  /** Bytes on disk of this key's rows when it was opened, and what was added. */
  readonly bytes: () => number
  /**
   * [tokens,C] of the row that is kept under `key`, which is its token ids where nothing else is said, and `tokens` their
   * number; null where it is not kept or damaged.
   */
  read(key: ArrayLike<number>, tokens?: number): Float32Array | null
  /** False where its room is used up or the disk takes no more: then nothing was kept. */
  write(key: ArrayLike<number>, numbers: Float32Array): boolean
  /** For another run, in which it grows by at most `roomBytes`; false where its folder is not the one that it was. */
  goOn(roomBytes: number): boolean
  close(): void
}

interface Place {
  readonly file: number
  readonly offset: number
  readonly precision: Precision
  readonly bytes: number
  readonly checksum: number
}

const precisions = ['float16', 'bfloat16', 'float32'] as const
type Precision = (typeof precisions)[number]

const magic = 0x54574631
/** magic, precision, count of numbers, 32 bits of the SHA-256 of their bytes; then SHA-256 of the key. */
const headBytes = 16 + 32
/** Relative root-mean-square error above which a row is kept in float32. */
const mostError = 2.5e-3

export const frozenFolderName = 'frozen-layers'

export const frozenFolderOf = (cacheFolder: string, key: FrozenKey): string =>
  join(
    cacheFolder,
    frozenFolderName,
    createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32),
  )

/** It grows by at most `roomBytes`. Throws what the file system throws where the folder cannot be made or read. */
export function openFrozenCache(folder: string, { width }: FrozenKey, roomBytes: number): FrozenCache {
  mkdirSync(folder, { recursive: true })
  const { ino } = statSync(folder)
  utimesSync(folder, new Date(), new Date())
  const files: number[] = []
  const places = new Map<string, Place>()
  let bytes = 0
  let added = 0
  let mostAdded = roomBytes
  for (const name of readdirSync(folder).filter((found) => found.endsWith('.rows'))) {
    const file = openSync(join(folder, name), 'r')
    files.push(file)
    bytes += fstatSync(file).size
    indexFile(file, places)
  }
  let own: { readonly file: number; end: number } | null = null
  let isFull = false

  function openOwn(): { readonly file: number; end: number } {
    const file = openSync(join(folder, `${randomUUID()}.rows`), 'wx+')
    files.push(file)
    return { file, end: 0 }
  }

  return {
    bytes: () => bytes,
    read(key, tokens = key.length) {
      const place = places.get(hashOf(key))
      return place === undefined ? null : readNumbers(place, tokens * width)
    },
    write(key, numbers) {
      const hash = hashOf(key)
      if (places.has(hash)) return true
      const { precision, packed } = pack(numbers)
      if (isFull || added + headBytes + packed.length > mostAdded) return false
      try {
        own ??= openOwn()
        const checksum = checksumOf(packed)
        const record = Buffer.concat([headOf(precision, numbers.length, checksum, hash), packed])
        writeWhole(own.file, record, own.end)
        places.set(hash, {
          file: own.file,
          offset: own.end + headBytes,
          precision,
          bytes: packed.length,
          checksum,
        })
        own.end += record.length
        bytes += record.length
        added += record.length
        return true
      } catch {
        // Whatever the disk says: what cannot be kept is computed again.
        isFull = true
        return false
      }
    },
    goOn(moreBytes) {
      try {
        if (statSync(folder).ino !== ino) return false
        utimesSync(folder, new Date(), new Date())
      } catch {
        return false
      }
      mostAdded = added + moreBytes
      isFull = false
      return true
    },
    close() {
      for (const file of files) closeSync(file)
      files.length = 0
      places.clear()
    },
  }
}

function hashOf(key: ArrayLike<number>): string {
  return createHash('sha256')
    .update(new Uint8Array(Int32Array.from(key).buffer))
    .digest('hex')
}

const checksumOf = (bytes: Uint8Array): number => createHash('sha256').update(bytes).digest().readUInt32LE(0)

function headOf(precision: Precision, count: number, checksum: number, hash: string): Buffer {
  const head = Buffer.alloc(headBytes)
  for (const [at, word] of [magic, precisions.indexOf(precision), count, checksum].entries())
    head.writeUInt32LE(word, 4 * at)
  head.write(hash, 16, 'hex')
  return head
}

const bytesEach = (precision: Precision): number => (precision === 'float32' ? 4 : 2)

/** Whole records up to the first that is torn: a process that died left nothing behind it. */
function indexFile(file: number, places: Map<string, Place>): void {
  const { size } = fstatSync(file)
  const head = Buffer.alloc(headBytes)
  for (let offset = 0; offset + headBytes <= size; ) {
    if (readSync(file, head, 0, headBytes, offset) < headBytes || head.readUInt32LE(0) !== magic) return
    const precision = precisions[head.readUInt32LE(4)]
    if (precision === undefined) return
    const bytes = head.readUInt32LE(8) * bytesEach(precision)
    if (offset + headBytes + bytes > size) return
    const hash = head.toString('hex', 16)
    places.set(hash, { file, offset: offset + headBytes, precision, bytes, checksum: head.readUInt32LE(12) })
    offset += headBytes + bytes
  }
}

function readNumbers(
  { file, offset, precision, bytes, checksum }: Place,
  count: number,
): Float32Array | null {
  if (bytes !== count * bytesEach(precision)) return null
  const packed = new Uint8Array(bytes)
  if (readSync(file, packed, 0, bytes, offset) < bytes || checksumOf(packed) !== checksum) return null
  return unpack(packed, precision)
}

function unpack(packed: Uint8Array, precision: Precision): Float32Array {
  if (precision === 'float32') return new Float32Array(packed.buffer, packed.byteOffset, packed.length / 4)
  const numbers = new Float32Array(packed.length / 2)
  const widen = precision === 'float16' ? widenFloat16 : widenBfloat16
  widen(packed, numbers, 0)
  return numbers
}

/** The half precision that errs less on these very numbers; float32 where both err too much. */
function pack(numbers: Float32Array): { readonly precision: Precision; readonly packed: Uint8Array } {
  const halves = [
    { precision: 'float16', packed: narrowToFloat16(numbers) },
    { precision: 'bfloat16', packed: narrowToBfloat16(numbers) },
  ] as const
  const measured = halves.map((half) => ({ ...half, error: relativeError(numbers, half) }))
  const best = measured[0]!.error <= measured[1]!.error ? measured[0]! : measured[1]!
  if (best.error <= mostError) return best
  return { precision: 'float32', packed: new Uint8Array(Float32Array.from(numbers).buffer) }
}

/** Root-mean-square of the error over that of the numbers. */
function relativeError(
  numbers: Float32Array,
  { precision, packed }: { readonly precision: Precision; readonly packed: Uint8Array },
): number {
  const back = unpack(packed, precision)
  let squares = 0
  let errors = 0
  for (let i = 0; i < numbers.length; i += 1) {
    squares += numbers[i]! ** 2
    errors += (numbers[i]! - back[i]!) ** 2
  }
  if (errors === 0) return 0
  const error = Math.sqrt(errors / squares)
  return Number.isFinite(error) ? error : Number.POSITIVE_INFINITY
}

function writeWhole(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, bytes.length - done, at + done)
}

// Which encoding a text file has, and its text in pieces. Never replaces a byte it cannot read: that is a Problem.
import type { ByteSource } from './byte-source.ts'
import { canDecode, guessLegacy, tryDecode } from './legacy-encoding.ts'
import { stopReading, type TableShape, tableLimits } from './table-types.ts'

export interface EncodingFound {
  readonly encoding: string
  readonly from: TableShape['encodingFrom']
}

const utf8Remedy = 'Open the file in the program it came from and save it again as "CSV UTF-8" or UTF-8 text.'

/** Finds the encoding: byte order mark, zero bytes of UTF-16, validity as UTF-8, then letter statistics. */
export async function detectEncoding(source: ByteSource, choice?: string): Promise<EncodingFound> {
  if (choice !== undefined) return { encoding: requireKnown(choice, source), from: 'choice' }
  const head = await source.read(0, Math.min(source.sizeBytes, tableLimits.sampleBytes))
  const mark = byteOrderMark(head)
  if (mark !== null) return { encoding: requireKnown(mark, source), from: 'byte order mark' }
  const wide = zeroPattern(head)
  if (wide !== null) return { encoding: wide, from: 'guess' }
  if (hasIso2022Escape(head)) return { encoding: 'iso-2022-jp', from: 'guess' }
  const check = await checkUtf8(source, head)
  if (check.firstInvalidAt === null) return { encoding: 'utf-8', from: 'valid UTF-8' }
  // Text in a legacy encoding looks like UTF-8 by accident here and there, but never mostly.
  if (check.validSequences >= 4 && check.validSequences > 2 * check.invalidBytes)
    stopReading({
      code: 'table.encoding',
      message: `The file is UTF-8 except for ${check.invalidBytes === 1 ? 'one byte' : 'a few bytes'}, so some of its text is damaged.`,
      where: `${source.name}, ${await describePlace(source, 'utf-8', check.firstInvalidAt)}`,
      remedy: `Correct the text at that place. ${utf8Remedy}`,
    })
  return { encoding: guessLegacy(check.evidence), from: 'guess' }
}

/** The text of the whole source in pieces of at most one chunk. A byte that cannot be decoded ends it with a Problem. */
export async function* decodeText(
  source: ByteSource,
  encoding: string,
): AsyncGenerator<string, undefined, undefined> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  for (let at = 0; at < source.sizeBytes; at += tableLimits.chunkBytes) {
    const lengthBytes = Math.min(tableLimits.chunkBytes, source.sizeBytes - at)
    const bytes = await source.read(at, lengthBytes)
    const isLast = at + lengthBytes === source.sizeBytes
    const text = tryDecode(decoder, bytes, !isLast)
    if (text === null) await stopAtUndecodable(source, encoding, at, lengthBytes)
    else if (text.length > 0) yield text
  }
}

async function stopAtUndecodable(
  source: ByteSource,
  encoding: string,
  chunkAt: number,
  chunkBytes: number,
): Promise<never> {
  const at = await findUndecodable(source, encoding, chunkAt, chunkBytes)
  return stopReading({
    code: 'table.encoding',
    message: `The file was read as ${encoding}, but there are bytes in it that are not ${encoding} text.`,
    where: `${source.name}, ${await describePlace(source, encoding, at)}`,
    remedy: utf8Remedy,
  })
}

/**
 * Offset of the first byte that cannot be decoded, found by halving. It restarts after the last line feed before the
 * chunk: 0x0A is never part of a longer character in UTF-8 and the legacy encodings; UTF-16 restarts on an even offset.
 */
async function findUndecodable(
  source: ByteSource,
  encoding: string,
  chunkAt: number,
  chunkBytes: number,
): Promise<number> {
  const isWide = encoding.startsWith('utf-16')
  const backBytes = Math.min(chunkAt, isWide ? 2 : 65_536)
  const bytes = await source.read(chunkAt - backBytes, backBytes + chunkBytes)
  const lineFeedAt = bytes.subarray(0, backBytes).lastIndexOf(0x0a)
  const start = isWide || backBytes === 0 ? 0 : lineFeedAt >= 0 ? lineFeedAt + 1 : backBytes
  const isWholeFine = (end: number): boolean =>
    tryDecode(new TextDecoder(encoding, { fatal: true }), bytes.subarray(start, end), true) !== null
  let fine = start
  let broken = bytes.byteLength + 1
  while (broken - fine > 1) {
    const middle = (fine + broken) >> 1
    if (middle <= bytes.byteLength && isWholeFine(middle)) fine = middle
    else broken = middle
  }
  return Math.min(chunkAt - backBytes + broken - 1, source.sizeBytes - 1)
}

/**
 * "line 12 (byte 345)": counts line ends (LF, CRLF or CR) up to the offset, which costs one more reading of that part.
 * Their bytes are never part of a longer character but in UTF-16, where they are half of one.
 */
async function describePlace(source: ByteSource, encoding: string, offsetBytes: number): Promise<string> {
  const step = encoding.startsWith('utf-16') ? 2 : 1
  const low = encoding === 'utf-16be' ? 1 : 0
  let line = 1
  let isAfterReturn = false
  for (let at = 0; at < offsetBytes; at += tableLimits.chunkBytes) {
    const bytes = await source.read(at, Math.min(tableLimits.chunkBytes, offsetBytes - at))
    for (let i = 0; i + step <= bytes.byteLength; i += step) {
      const isOne = step === 1 || bytes[i + 1 - low] === 0
      const isReturn = isOne && bytes[i + low] === 0x0d
      if (isReturn || (isOne && bytes[i + low] === 0x0a && !isAfterReturn)) line += 1
      isAfterReturn = isReturn
    }
  }
  return `line ${line} (byte ${offsetBytes})`
}

function requireKnown(label: string, source: ByteSource): string {
  if (canDecode(label)) return new TextDecoder(label).encoding
  return stopReading({
    code: 'table.encoding',
    message: `Text in the encoding "${label}" cannot be read.`,
    where: `${source.name}, byte 0`,
    remedy: utf8Remedy,
  })
}

function byteOrderMark(head: Uint8Array): string | null {
  const [a, b, c, d] = head
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 && head.byteLength >= 4 ? 'UTF-32LE' : 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32BE'
  return null
}

/** UTF-16 without a mark: in most scripts every second byte of spaces, digits and line ends is zero, the others never. */
function zeroPattern(head: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const zeros: [number, number] = [0, 0]
  for (let i = 0; i < head.byteLength; i += 1) if (head[i] === 0) zeros[i % 2 === 0 ? 0 : 1] += 1
  const pairs = Math.floor(head.byteLength / 2)
  if (pairs < 4) return null
  if (zeros[0] + zeros[1] < 3) return null
  if (zeros[1] > pairs * 0.15 && zeros[0] <= pairs * 0.005) return 'utf-16le'
  if (zeros[0] > pairs * 0.15 && zeros[1] <= pairs * 0.005) return 'utf-16be'
  return null
}

function hasIso2022Escape(head: Uint8Array): boolean {
  for (let i = head.indexOf(0x1b); i >= 0; i = head.indexOf(0x1b, i + 1))
    if (head[i + 1] === 0x24 && (head[i + 2] === 0x42 || head[i + 2] === 0x40)) return true
  return false
}

interface Utf8Check {
  firstInvalidAt: number | null
  invalidBytes: number
  validSequences: number
  /** Bytes around the first invalid place, for the statistics. */
  evidence: Uint8Array
}

/** Counts well-formed multi-byte sequences and stray bytes (RFC 3629, Unicode table 3-7). */
async function checkUtf8(source: ByteSource, head: Uint8Array): Promise<Utf8Check> {
  const check: Utf8Check = { firstInvalidAt: null, invalidBytes: 0, validSequences: 0, evidence: head }
  const isShort = source.sizeBytes <= tableLimits.wholeCheckBytes
  const end = isShort ? source.sizeBytes : tableLimits.sampleBytes
  let at = 0
  while (at < end) {
    const bytes = await source.read(at, Math.min(tableLimits.chunkBytes, end - at))
    const wasValid = check.firstInvalidAt === null
    const used = countSequences(bytes, at, at + bytes.byteLength >= source.sizeBytes, check)
    if (wasValid && check.firstInvalidAt !== null) check.evidence = bytes
    if (at + bytes.byteLength >= end) break
    at += used
  }
  return check
}

/** Returns the bytes used up: a sequence cut by the end of the piece is left for the next one. */
function countSequences(bytes: Uint8Array, base: number, isLast: boolean, check: Utf8Check): number {
  let i = 0
  while (i < bytes.byteLength) {
    const lead = bytes[i]!
    if (lead < 0x80) {
      i += 1
      continue
    }
    const length = sequenceLength(bytes, i)
    if (length > 0) {
      check.validSequences += 1
      i += length
    } else if (length < 0 && !isLast) {
      return i
    } else {
      check.firstInvalidAt ??= base + i
      check.invalidBytes += 1
      i += 1
    }
  }
  return i
}

/** Length of the well-formed sequence at `i`; 0 where it is malformed; -1 where the bytes end inside it. */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const lead = bytes[i]!
  const length =
    lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
  if (length === 0) return 0
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  for (let k = 1; k < length; k += 1) {
    const next = bytes[i + k]
    if (next === undefined) return -1
    if (next < (k === 1 ? lowest : 0x80) || next > (k === 1 ? highest : 0xbf)) return 0
  }
  return length
}

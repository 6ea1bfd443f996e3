// Words and small checks that the weight parsers share. Nothing here knows a format.
import type { ProblemCode } from '#shared/problem-codes.ts'
import { ProblemError } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { weightLimits } from './weight-limits.ts'

const damagedRemedy =
  'Download or copy the file again. If it is refused again, it is not what its name says: use another copy of this model.'

/** A file that breaks its format's rules. `where` follows the file's name: "byte 8", "tensor \"x\"". */
export function damaged(code: ProblemCode, file: string, where: string, message: string): ProblemError {
  return new ProblemError({ code, message, where: `${file}, ${where}`, remedy: damagedRemedy })
}

/** A file that may be well-formed, but is larger in some respect than Tunewright reads. */
export function beyondLimit(
  file: string,
  where: string,
  what: string,
  found: number | bigint,
  limit: number,
): ProblemError {
  return new ProblemError({
    code: 'limit.exceeded',
    message: `${what}: found ${found}, the limit is ${limit}.`,
    where: `${file}, ${where}`,
    remedy: 'Check that this is an ordinary model file. Models beyond this limit cannot be used here.',
  })
}

/** A foreign name as it may be shown: quoted, control and invisible characters escaped, at most 80 characters. */
export function quoteForeign(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 80)}…` : name
  const visible = short.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, (character) =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
  return `"${visible}"`
}

const invisible = /[\p{C}\p{Zl}\p{Zp}]/u
const utf8 = new TextEncoder()

/** Why a tensor's or key's name is refused, or null. Names are printable, not empty and at most 512 bytes of UTF-8. */
export function nameFault(name: string): string | null {
  if (name === '') return 'A name is empty.'
  if (invisible.test(name)) return 'A name contains control or invisible characters.'
  if (name.length > weightLimits.nameBytes || utf8.encode(name).length > weightLimits.nameBytes)
    return `A name is longer than ${weightLimits.nameBytes} bytes.`
  return null
}

/** Exactly `lengthBytes` bytes, or the Problem that the file became shorter. */
export async function readExactly(
  source: ByteSource,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Uint8Array> {
  const bytes = await source.read(offsetBytes, lengthBytes)
  if (bytes.byteLength === lengthBytes) return bytes
  throw new ProblemError({
    code: 'file.changed',
    message: 'The file became shorter while it was being read.',
    where: `${source.name}, byte ${offsetBytes + bytes.byteLength}`,
    remedy: 'Wait until other programs have finished writing it, then try again.',
  })
}

/** The product of whole numbers, or null where it passes 2^53 - 1. */
export function checkedProduct(factors: Iterable<number>): number | null {
  let product = 1
  for (const factor of factors) {
    product *= factor
    if (!Number.isSafeInteger(product)) return null
  }
  return product
}

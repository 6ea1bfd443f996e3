// Typed access to GGUF metadata: a value of the expected kind or a Problem that names the key.
import { ProblemError } from '#shared/result.ts'
import type { GgufValue } from './gguf-types.ts'
import { quoteForeign } from './weight-problems.ts'

export type GgufMetadata = ReadonlyMap<string, GgufValue>

const remedy = 'Use another copy of this model: this one lacks something that its format prescribes.'

export function metadataProblem(key: string, message: string): ProblemError {
  return new ProblemError({
    code: 'gguf.invalid',
    message,
    where: `metadata key ${quoteForeign(key)}`,
    remedy,
  })
}

/** A text, or undefined where the key is absent. Throws a ProblemError where it is something else. */
export function textOf(metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata.get(key)
  if (value === undefined || value.type === 'string') return value?.value
  throw metadataProblem(key, 'Expected a text.')
}

/** A number (64-bit integers up to 2^53 - 1), or undefined. */
export function numberOf(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (value.type === 'string' || value.type === 'bool' || value.type === 'array')
    throw metadataProblem(key, 'Expected a number.')
  const number = Number(value.value)
  if (!Number.isFinite(number) || (typeof value.value === 'bigint' && !Number.isSafeInteger(number)))
    throw metadataProblem(key, `The number ${value.value} cannot be used.`)
  return value.type === 'f32' ? shortestFloat32(number) : number
}

/** A whole number between `least` and 2^31 - 1, or undefined. */
export function wholeOf(metadata: GgufMetadata, key: string, least = 0): number | undefined {
  const number = numberOf(metadata, key)
  if (number === undefined) return undefined
  if (!Number.isInteger(number) || number < least || number > 0x7fffffff)
    throw metadataProblem(key, `Expected a whole number of ${least} or more, found ${number}.`)
  return number
}

/** As `wholeOf`, but the key must be there. */
export function requiredWhole(metadata: GgufMetadata, key: string): number {
  const number = wholeOf(metadata, key, 1)
  if (number === undefined) throw metadataProblem(key, 'This value is missing.')
  return number
}

export function flagOf(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(key)
  if (value === undefined || value.type === 'bool') return value?.value
  throw metadataProblem(key, 'Expected true or false.')
}

export function textsOf(metadata: GgufMetadata, key: string): readonly string[] | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (value.type === 'array' && value.itemType === 'string') return value.items
  throw metadataProblem(key, 'Expected a list of texts.')
}

/** A list of numbers of at most 32 bits, or undefined. */
export function numbersOf(metadata: GgufMetadata, key: string): ArrayLike<number> | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (
    value.type !== 'array' ||
    value.itemType === 'string' ||
    value.itemType === 'bool' ||
    value.itemType === 'u64' ||
    value.itemType === 'i64'
  )
    throw metadataProblem(key, 'Expected a list of numbers.')
  return value.items
}

/** The shortest decimal that rounds to the same float32: 9.999999747378752e-6 was written as 1e-5. */
function shortestFloat32(value: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === Math.fround(value)) return short
  }
  return value
}

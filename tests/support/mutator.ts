// Damages real weight files in ways that parsers stumble over, the same way for the same seed: bit flips, cut ends, and
// lies in the fields that mean something (lengths, counts, offsets, names, JSON numbers).

import { type Chance, seeded } from './seeded.ts'
import type { WeightKind } from './weight-oracle.ts'

export type Mutation = (file: Uint8Array, chance: Chance) => Uint8Array

/** Where a file's header ends: damage beyond it is damage to numbers, which no parser can notice. */
type HeaderEnd = (file: Uint8Array) => number

const interestingBytes = [0, 1, 9, 10, 0x20, 0x22, 0x2c, 0x5b, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xff]
const interestingLongs = [
  0n,
  1n,
  7n,
  8n,
  255n,
  65_536n,
  (1n << 31n) - 1n,
  1n << 31n,
  1n << 32n,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
  (1n << 64n) - 32n,
]

/** Up to `wanted` bytes at `at` replaced by `insert`. */
function splice(file: Uint8Array, at: number, wanted: number, insert: Uint8Array): Uint8Array {
  const remove = Math.min(wanted, file.length - at)
  const result = new Uint8Array(file.length - remove + insert.length)
  result.set(file.subarray(0, at))
  result.set(insert, at)
  result.set(file.subarray(at + remove), at + insert.length)
  return result
}

function longBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true)
  return bytes
}

/** Damage that needs no knowledge of the format. */
function plainMutations(headerEnd: HeaderEnd): Mutation[] {
  return [
    // one bit
    (file, chance) => {
      const copy = Uint8Array.from(file)
      const at = chance.below(headerEnd(file))
      copy[at] = copy[at]! ^ (1 << chance.below(8))
      return copy
    },
    // one to four bytes
    (file, chance) => {
      const copy = Uint8Array.from(file)
      for (let n = chance.below(4); n >= 0; n -= 1)
        copy[chance.below(headerEnd(file))] = chance.pick(interestingBytes)
      return copy
    },
    // cut within the header
    (file, chance) => file.slice(0, chance.below(headerEnd(file) + 1)),
    // cut within the data
    (file, chance) => file.slice(0, chance.below(file.length)),
    // a piece left out, doubled, or moved
    (file, chance) => splice(file, chance.below(headerEnd(file)), 1 + chance.below(8), new Uint8Array(0)),
    (file, chance) => {
      const at = chance.below(headerEnd(file))
      return splice(file, at, 0, file.slice(at, at + 1 + chance.below(64)))
    },
    (file, chance) => {
      const from = chance.below(headerEnd(file))
      const piece = file.slice(from, from + 1 + chance.below(32))
      return splice(file, chance.below(headerEnd(file)), piece.length, piece).slice(0, file.length)
    },
    // bytes after the end
    (file, chance) =>
      splice(file, file.length, 0, new Uint8Array(1 + chance.below(64)).fill(chance.below(256))),
  ]
}

/** A safetensors file with another header text; its length field tells the truth in most cases. */
function withHeader(file: Uint8Array, text: string, chance: Chance): Uint8Array {
  const header = new TextEncoder().encode(text)
  const lie = chance.below(12) === 0 ? BigInt(chance.below(5) - 2) : 0n
  const result = splice(file, 8, headerEndOfSafetensors(file) - 8, header)
  result.set(longBytes(BigInt(header.length) + lie))
  return result
}

const headerEndOfSafetensors: HeaderEnd = (file) =>
  8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))

const headerText = (file: Uint8Array): string =>
  new TextDecoder().decode(file.subarray(8, headerEndOfSafetensors(file)))

const jsonLies = [
  '-1',
  '0',
  '1',
  '4',
  '9007199254740991',
  '9007199254740992',
  '1e3',
  '1.0',
  '-0',
  '00',
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '"F16"',
  '"F4"',
  '"f32"',
  '18446744073709551615',
  '[[[[1]]]]',
  '',
]

/** Replaces one match of `pattern` in the header's text. */
function replaceOne(
  file: Uint8Array,
  pattern: RegExp,
  chance: Chance,
  by: (match: string) => string,
): Uint8Array {
  const text = headerText(file)
  const matches = [...text.matchAll(pattern)]
  if (matches.length === 0) return file.slice(0, 4)
  const match = chance.pick(matches)
  const changed = text.slice(0, match.index) + by(match[0]) + text.slice(match.index + match[0].length)
  return withHeader(file, changed, chance)
}

/** Mutations of a safetensors file: it must be a valid one. */
const safetensorsMutations: readonly Mutation[] = [
  ...plainMutations(headerEndOfSafetensors),
  // the length field
  (file, chance) => {
    const copy = Uint8Array.from(file)
    const truth = BigInt(headerEndOfSafetensors(file) - 8)
    copy.set(
      longBytes(
        chance.below(2) === 0 ? truth + BigInt(chance.below(65) - 32) : chance.pick(interestingLongs),
      ),
    )
    return copy
  },
  // a number of a shape or an offset
  (file, chance) => replaceOne(file, /\d+/g, chance, () => chance.pick(jsonLies)),
  (file, chance) =>
    replaceOne(file, /\d+/g, chance, (digits) => String(Number(digits) + chance.below(9) - 4)),
  // a shape of higher rank and equal size
  (file, chance) =>
    replaceOne(file, /"shape":\[/g, chance, (start) => start + '1,'.repeat(1 + chance.below(12))),
  // any value, a key, a name
  (file, chance) => replaceOne(file, /"[^"]*"|\[[^[\]]*\]/g, chance, () => chance.pick(jsonLies)),
  (file, chance) =>
    replaceOne(file, /"[^"]*"(?=:)/g, chance, () =>
      chance.pick(['"dtype"', '"shape"', '"__metadata__"', '"__proto__"', '"\\u0000"', '"x"']),
    ),
  // an entry twice
  (file, chance) =>
    replaceOne(file, /"[^"]*":\{[^{}]*\},?/g, chance, (entry) => `${entry.replace(/,$/, '')},${entry}`),
  // an entry left out
  (file, chance) => replaceOne(file, /"[^"]*":\{[^{}]*\},?/g, chance, () => ''),
  // spaces, nesting, another text after the header's
  (file, chance) => withHeader(file, chance.pick([' ', '', '\n', '{}']) + headerText(file), chance),
  (file, chance) => withHeader(file, headerText(file) + chance.pick([' ', '\n', '\0', '{}', ',']), chance),
  (file, chance) => replaceOne(file, /\d+/g, chance, (digits) => '['.repeat(1 + chance.below(100)) + digits),
]

/** Positions of GGUF's 4- and 8-byte fields, found by walking a valid file. */
interface GgufFields {
  readonly words: readonly number[]
  readonly longs: readonly number[]
  /** [begin, end) of each metadata entry and each tensor info. */
  readonly records: readonly (readonly [number, number])[]
  readonly headerEnd: number
}

/** Bytes of a metadata value by the number of its type; texts and lists have a length of their own. */
export const scalarBytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8]

function walkGguf(file: Uint8Array): GgufFields {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const words: number[] = [0, 4]
  const longs: number[] = [8, 16]
  const records: [number, number][] = []
  let at = 24
  const word = (): number => {
    words.push(at)
    at += 4
    return view.getUint32(at - 4, true)
  }
  const long = (): number => {
    longs.push(at)
    at += 8
    return Number(view.getBigUint64(at - 8, true))
  }
  const text = (): void => {
    const length = long()
    at += length
  }
  const value = (type: number): void => {
    if (type === 8) text()
    else if (type === 9) {
      const itemType = word()
      for (let left = long(); left > 0; left -= 1) value(itemType)
    } else at += scalarBytes[type]!
  }
  const record = (read: () => void): void => {
    const begin = at
    read()
    records.push([begin, at])
  }
  const tensors = Number(view.getBigUint64(8, true))
  for (let left = Number(view.getBigUint64(16, true)); left > 0; left -= 1)
    record(() => {
      text()
      value(word())
    })
  for (let left = tensors; left > 0; left -= 1)
    record(() => {
      text()
      for (let axes = word(); axes > 0; axes -= 1) long()
      word()
      long()
    })
  return { words, longs, records, headerEnd: at }
}

const knownFields = new WeakMap<Uint8Array, GgufFields>()

function fieldsOf(file: Uint8Array): GgufFields {
  const known = knownFields.get(file) ?? walkGguf(file)
  knownFields.set(file, known)
  return known
}

/** Mutations of a GGUF file: it must be a valid one. */
const ggufMutations: readonly Mutation[] = [
  ...plainMutations((file) => fieldsOf(file).headerEnd),
  // a length, count, dimension or offset
  (file, chance) => {
    const copy = Uint8Array.from(file)
    copy.set(longBytes(chance.pick(interestingLongs)), chance.pick(fieldsOf(file).longs))
    return copy
  },
  (file, chance) => {
    const copy = Uint8Array.from(file)
    const at = chance.pick(fieldsOf(file).longs)
    const truth = new DataView(file.buffer, file.byteOffset).getBigUint64(at, true)
    copy.set(longBytes(truth + BigInt(chance.below(65) - 32)), at)
    return copy
  },
  // a type, rank, version
  (file, chance) => {
    const copy = Uint8Array.from(file)
    new DataView(copy.buffer).setUint32(
      chance.pick(fieldsOf(file).words),
      chance.below(chance.below(2) === 0 ? 45 : 2 ** 32),
      true,
    )
    return copy
  },
  // the counts at the front
  (file, chance) => {
    const copy = Uint8Array.from(file)
    copy.set(
      longBytes(chance.below(2) === 0 ? BigInt(chance.below(300_000)) : chance.pick(interestingLongs)),
      chance.pick([8, 16]),
    )
    return copy
  },
  // an entry twice (its count told truly), left out, or exchanged for another
  (file, chance) => {
    const { records } = fieldsOf(file)
    const [begin, end] = chance.pick(records)
    const copy = splice(file, begin, 0, file.slice(begin, end))
    const count =
      begin >= records[Number(new DataView(file.buffer, file.byteOffset).getBigUint64(16, true))]![0] ? 8 : 16
    copy.set(longBytes(new DataView(file.buffer, file.byteOffset).getBigUint64(count, true) + 1n), count)
    return copy
  },
  (file, chance) => {
    const [begin, end] = chance.pick(fieldsOf(file).records)
    return splice(file, begin, end - begin, new Uint8Array(0))
  },
  (file, chance) => {
    const { records } = fieldsOf(file)
    const [begin, end] = chance.pick(records)
    const [from, to] = chance.pick(records)
    return splice(file, begin, end - begin, file.slice(from, to))
  },
]

/** Mutant number `seed` of a file: one mutation, and now and then one more on top. */
export function mutantOf(file: Uint8Array, mutations: readonly Mutation[], seed: number): Uint8Array {
  const chance = seeded(seed)
  let mutant = mutations[seed % mutations.length]!(file, chance)
  for (
    const extra = plainMutations((bytes) => Math.max(1, bytes.length));
    chance.below(4) === 0 && mutant.length > 0;
  )
    mutant = chance.pick(extra)(mutant, chance)
  return mutant
}

/** The mutations for a kind of file. */
export const mutationsOf: Readonly<Record<WeightKind, readonly Mutation[]>> = {
  safetensors: safetensorsMutations,
  gguf: ggufMutations,
}

/** Where a valid file's header ends. */
export const headerEndOf = (kind: WeightKind, file: Uint8Array): number =>
  kind === 'gguf' ? fieldsOf(file).headerEnd : headerEndOfSafetensors(file)

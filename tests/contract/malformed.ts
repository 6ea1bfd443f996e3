// Inputs that no call may accept, made from the contract's own table: a fitting input with something wrong in it, or
// something else altogether. Every one is checked here to be wrong, so that fuzzing does nothing in the library.
import { z } from 'zod'
import { type CallName, contractCalls } from '#shared/contract/index.ts'
import type { Chance } from '../support/seeded.ts'

type Shape = {
  readonly type?: string
  readonly properties?: Record<string, Shape>
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minItems?: number
  readonly minimum?: number
}

/** How a transport carries values: JSON loses what JSON has no words for. */
export type Carriage = 'json' | 'clone'

const deepList = (depth: number): unknown => {
  let list: unknown = []
  for (let level = 0; level < depth; level += 1) list = [list]
  return list
}
const cycle = (): unknown => {
  const value: Record<string, unknown> = {}
  value.self = value
  return value
}
const ownProto = (): unknown => JSON.parse('{"__proto__":{"isAdmin":true},"constructor":1}')

const plainHostile: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => -1,
  () => 0.5,
  () => 2 ** 53,
  () => -0.001,
  () => 1e308,
  () => '',
  () => '../../../../etc/passwd',
  () => '\u0000\u202e\ud800',
  () => 'x'.repeat(10_000),
  () => [],
  () => [[], {}, null],
  () => ({}),
  () => ({ length: -1 }),
  ownProto,
  () => deepList(200),
]
const cloneHostile: readonly (() => unknown)[] = [
  () => undefined,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 10n,
  () => new Date(Number.NaN),
  () => new Map([['a', 1]]),
  () => new Set([1]),
  () => new Uint8Array(16),
  () => new Error('not yours'),
  () => /(a+)+$/,
  cycle,
]

function fitting(shape: Shape, chance: Chance): unknown {
  const either = shape.anyOf ?? shape.oneOf
  if (either) return fitting(chance.pick(either), chance)
  if (shape.enum) return chance.pick(shape.enum)
  if ('const' in shape) return shape.const
  if (shape.type === 'object')
    return Object.fromEntries(
      Object.entries(shape.properties ?? {}).map(([key, inner]) => [key, fitting(inner, chance)]),
    )
  if (shape.type === 'array')
    return Array.from({ length: shape.minItems ?? 1 }, () => fitting(shape.items ?? {}, chance))
  if (shape.type === 'integer' || shape.type === 'number') return Math.max(shape.minimum ?? 0, 0)
  if (shape.type === 'boolean') return false
  return shape.type === 'string' ? 'nobody has this name' : null
}

/** One thing wrong at a place of its own: a foreign value, a key that does not belong, a key that is missing. */
function spoil(value: unknown, chance: Chance, hostile: readonly (() => unknown)[]): unknown {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (Array.isArray(value) && value.length > 0 && chance.below(3) > 0) {
    const at = chance.below(value.length)
    return value.map((item, index) => (index === at ? spoil(item, chance, hostile) : item))
  }
  if (!isRecord || chance.below(4) === 0) return chance.pick(hostile)()
  const entries = Object.entries(value)
  const kind = chance.below(4)
  if (kind === 0 || entries.length === 0)
    return { ...value, [chance.pick(['extra', 'constructor', 'toString', ''])]: chance.pick(hostile)() }
  const at = chance.below(entries.length)
  if (kind === 1) return Object.fromEntries(entries.filter((_entry, index) => index !== at))
  return Object.fromEntries(
    entries.map(([key, inner], index) => [key, index === at ? spoil(inner, chance, hostile) : inner]),
  )
}

function isRefused(name: CallName, input: unknown): boolean {
  try {
    return !contractCalls[name].input.safeParse(input).success
  } catch {
    return true
  }
}

/** Endless inputs of one call, each of them wrong as it arrives over `carriage`. */
export function malformedInputs(name: CallName, chance: Chance, carriage: Carriage): () => unknown {
  const shape = z.toJSONSchema(contractCalls[name].input, { io: 'input', unrepresentable: 'any' }) as Shape
  const hostile = carriage === 'json' ? plainHostile : [...plainHostile, ...cloneHostile]
  const asCarried = (input: unknown) => (carriage === 'json' ? jsonOf(input) : input)
  return () => {
    for (;;) {
      const input = spoil(fitting(shape, chance), chance, hostile)
      if (isRefused(name, asCarried(input))) return input
    }
  }
}

const jsonOf = (input: unknown): unknown => {
  const text = JSON.stringify(input)
  return text === undefined ? undefined : JSON.parse(text)
}

/** Names that are no call. */
export const strangeNames: readonly unknown[] = [
  '',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'settings.get ',
  'Settings.Get',
  'settings',
  '../settings.get',
  'x'.repeat(100_000),
  0,
  -1,
  null,
  true,
  [],
  ['settings.get'],
  {},
  { toString: 'settings.get' },
]

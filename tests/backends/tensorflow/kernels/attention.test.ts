// Our attention operators in TensorFlow beside the interpreter in float64.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { boolean, integer } from '#backends/tensorflow/graph-def.ts'
import {
  type AttentionCase,
  type AttentionInputs,
  type AttentionResults,
  attributesOf,
  byInterpreter,
  byOperators,
  inputsOf,
  operandsOf,
} from './attention-case.ts'
import { attentionCases, casesForBits, nameOf } from './attention-cases.ts'
import { type Attributes, type Given, hasOperators, runOperator } from './run-operator.ts'

/** Of a tensor's largest number, which counts as at least 1e-3. Of scores hundreds large float32 keeps less. */
const boundOf = ({ factor = 1 }: AttentionCase): number => (factor > 1 ? 1e-4 : 3e-6)

function worstOf(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(found.length).toBe(wanted.length)
  let [worst, largest] = [0, 1e-3]
  for (let i = 0; i < wanted.length; i += 1) {
    const difference = Math.abs(found[i]! - wanted[i]!)
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference)
    largest = Math.max(largest, Math.abs(wanted[i]!))
  }
  return worst / largest
}

const names = ['out', 'logSums', 'dq', 'dk', 'dv'] as const

function expectAlike(found: AttentionResults, wanted: AttentionResults, bound: number): void {
  for (const name of names) expect(worstOf(found[name], wanted[name]), name).toBeLessThan(bound)
}

const usual: AttentionCase = {
  heads: 6,
  keyHeads: 2,
  width: 32,
  length: 130,
  documents: () => [60, 1, 40, 29],
}

describe.runIf(hasOperators())('attention', () => {
  test.each(attentionCases.map((one) => [nameOf(one), one] as const))('%s', (_, one) => {
    const inputs = inputsOf(one)
    expectAlike(byOperators(one, inputs), byInterpreter(one, inputs), boundOf(one))
  })

  test('bits are the same again, and with one thread, two and five', () => {
    const hashOf = (threads: number): string =>
      execFileSync(process.execPath, [join(import.meta.dirname, 'attention-bits.ts'), String(threads)], {
        encoding: 'utf8',
      })
    const [first] = casesForBits
    expect(byOperators(first!, inputsOf(first!))).toEqual(byOperators(first!, inputsOf(first!)))
    const one = hashOf(1)
    expect(one).toMatch(/^[0-9a-f]{64}$/)
    expect([2, 5].map(hashOf)).toEqual([one, one])
  })

  test('nothing of another document is looked at', () => {
    const inputs = inputsOf(usual)
    const spoilt = spoilPositions(inputs, usual, 61, 101)
    const [clean, found] = [byOperators(usual, inputs), byOperators(usual, spoilt)]
    const wide = usual.heads * usual.width
    expect(found.out[61 * wide]).toBeNaN()
    for (const [name, width] of [
      ['out', wide],
      ['dq', wide],
      ['dk', wide / 3],
      ['dv', wide / 3],
    ] as const) {
      const outside = (all: AttentionResults) => {
        const numbers = Array.from(all[name])
        return [...numbers.slice(0, 61 * width), ...numbers.slice(101 * width)]
      }
      expect(outside(found)).toEqual(outside(clean))
    }
  })

  test('a query that is no number gives none, and no other query is touched', () => {
    const one = { ...usual, documents: () => [usual.length] }
    const inputs = inputsOf(one)
    const { q } = spoilPositions(inputs, one, 70, 71)
    const [clean, found] = [byOperators(one, inputs), byOperators(one, { ...inputs, q })]
    const wide = one.heads * one.width
    const rowOf = ({ out }: AttentionResults, query: number) =>
      Array.from(out).slice(query * wide, (query + 1) * wide)
    expect(rowOf(found, 70).every(Number.isNaN)).toBe(true)
    for (const query of [0, 69, 71, 129]) expect(rowOf(found, query)).toEqual(rowOf(clean, query))
  })

  test('bfloat16 is the float32 result rounded, and what is not wanted is empty', () => {
    const inputs = inputsOf(usual)
    const operands = operandsOf(usual, inputs)
    const run = (gives: { full: boolean; half: boolean }) => {
      const attributes = attributesOf(usual, gives)
      const [full, half, sums] = runOperator('TunewrightAttention', operands, attributes, 3)
      const more = backwardOperands(operands, inputs, sums!)
      const [, , dv, dvHalf] = runOperator('TunewrightAttentionBackward', more, attributes, 4)
      return { full: full!, half: half!, dv: dv!, dvHalf: dvHalf! }
    }
    const both = run({ full: true, half: true })
    expect(both.half).toEqual(both.full.map(rounded))
    expect(both.dvHalf).toEqual(both.dv.map(rounded))
    const empty = new Float32Array(0)
    expect(run({ full: true, half: false })).toEqual({ ...both, half: empty, dvHalf: empty })
    expect(run({ full: false, half: true })).toEqual({ ...both, full: empty, dv: empty })
  })

  test('rows of nothing give nothing', () => {
    const one = { ...usual, rows: 0, length: 0, documents: () => [] }
    for (const result of Object.values(byOperators(one, inputsOf(one)))) expect(result.length).toBe(0)
  })

  test.each(wrong)('refused: %s', (_, change, said) => {
    const inputs = inputsOf(usual)
    const given = { operands: [...operandsOf(usual, inputs)], attributes: attributesOf(usual) }
    const { operands, attributes } = change(given)
    expect(() => runOperator('TunewrightAttention', operands, attributes, 3)).toThrow(said)
    const more = backwardOperands(operands, inputs, new Float32Array(usual.heads * usual.length))
    expect(() => runOperator('TunewrightAttentionBackward', more, attributes, 4)).toThrow(said)
  })

  test('refused: gradients or log sums of another size', () => {
    const inputs = inputsOf(usual)
    const operands = operandsOf(usual, inputs)
    const sums = new Float32Array(usual.heads * usual.length)
    const short = { ...inputs, dOut: inputs.dOut.slice(usual.heads * usual.width) }
    for (const given of [
      backwardOperands(operands, short, sums),
      backwardOperands(operands, inputs, sums.slice(1)),
    ])
      expect(() => runOperator('TunewrightAttentionBackward', given, attributesOf(usual), 4)).toThrow(
        'd_out must be as large as q',
      )
  })
})

const backwardOperands = (
  operands: readonly Given[],
  { dOut }: AttentionInputs,
  sums: Float32Array,
): Given[] => [...operands, { shape: [dOut.length], data: dOut }, { shape: [sums.length], data: sums }]

interface Call {
  readonly operands: readonly Given[]
  readonly attributes: Attributes
}
type Change = (call: Call) => Call

const withInput =
  (index: number, shape: readonly number[], data: Given['data']): Change =>
  (call) => ({ ...call, operands: call.operands.with(index, { shape, data }) })
const withAttributes =
  (changed: Attributes): Change =>
  (call) => ({ ...call, attributes: { ...call.attributes, ...changed } })

const places = usual.length
const segments = (numbers: (place: number) => number): Change =>
  withInput(
    4,
    [1, places],
    Int32Array.from({ length: places }, (_, place) => numbers(place)),
  )

const wrong: readonly (readonly [string, Change, string])[] = [
  ['heads that are no multiple', withAttributes({ heads: integer(5) }), 'a multiple of key_heads'],
  ['no heads', withAttributes({ heads: integer(0) }), 'a multiple of key_heads'],
  ['a window below 0', withAttributes({ window: integer(-1) }), 'window 0 or more'],
  ['heads of 8', withAttributes({ heads: integer(24), key_heads: integer(8) }), '16, 32, ... 256 wide'],
  ['heads of q and of k that differ', withAttributes({ heads: integer(12) }), '16, 32, ... 256 wide'],
  [
    'k of another length',
    withInput(1, [places - 1, 64], new Float32Array((places - 1) * 64)),
    'a row for each',
  ],
  ['v of another width', withInput(2, [places, 32], new Float32Array(places * 32)), 'a row for each'],
  ['q in three dimensions', withInput(0, [1, places, 192], new Float32Array(places * 192)), '[B*S, width]'],
  ['rows that are not whole', withInput(3, [1], Int32Array.of(37)), 'whole rows'],
  ['rows of nothing', withInput(3, [1], Int32Array.of(0)), 'whole rows'],
  ['two lengths', withInput(3, [2], Int32Array.of(65, 65)), 'length [1]'],
  ['segments of other rows', withInput(4, [2], Int32Array.of(0, 0)), 'segments must be'],
  ['segments that fall', segments((place) => (place < 50 ? 1 : 0)), 'must not fall'],
  ['segments below 0', segments(() => -1), 'nor be negative'],
  [
    'a shared start both ways',
    withAttributes({ shares_start: boolean(true), causal: boolean(false) }),
    'shared start',
  ],
  [
    'a shared start in windows',
    withAttributes({ shares_start: boolean(true), window: integer(4) }),
    'shared start',
  ],
]

/** Every number of these positions is NaN. */
function spoilPositions(
  inputs: AttentionInputs,
  one: AttentionCase,
  from: number,
  to: number,
): AttentionInputs {
  const spoil = (numbers: Float32Array, heads: number): Float32Array =>
    numbers.slice().fill(Number.NaN, from * heads * one.width, to * heads * one.width)
  return {
    ...inputs,
    q: spoil(inputs.q, one.heads),
    k: spoil(inputs.k, one.keyHeads),
    v: spoil(inputs.v, one.keyHeads),
    dOut: spoil(inputs.dOut, one.heads),
  }
}

/** To bfloat16, ties to even. */
function rounded(number: number): number {
  const bits = new Uint32Array(Float32Array.of(number).buffer)[0]!
  const half = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000
  return new Float32Array(Uint32Array.of(half).buffer)[0]!
}

// Our operators whose operands are sums, in TensorFlow, beside plain double arithmetic.
import { describe, expect, test } from 'vitest'
import { boolean, float, floats, integer, type } from '#backends/tensorflow/graph-def.ts'
import { type Attributes, type Given, hasOperators, runOperator } from './run-operator.ts'
import { chance, chanceTerms, distance, gives, rounded, sumOf, type TermCounts, termInputs } from './terms.ts'

/** Float32 of sums of a few terms, of a largest number. */
const bound = 1e-6

const everyKind: TermCounts = { halves: 2, ranks: [8, -3], fulls: 3 }
/** Rows, width, terms. */
const sums: readonly (readonly [number, number, TermCounts])[] = [
  [1, 16, { fulls: 1 }],
  [3, 48, { halves: 1 }],
  [5, 16, { ranks: [1] }],
  [7, 80, { ranks: [-5, 16, -2] }],
  [37, 576, everyKind],
  [130, 64, { halves: 16, fulls: 16, ranks: Array<number>(16).fill(2) }],
  [0, 32, everyKind],
]
const named = sums.map((one) => [JSON.stringify(one), ...one] as const)

const weightOf = (width: number): Given => ({ shape: [width], data: chance(`weight ${width}`, width) })

describe.runIf(hasOperators())('operators of sums', () => {
  test.each(named)('sum %s', (_, rows, width, counts) => {
    const terms = chanceTerms(rows, width, counts)
    const { inputs, attributes } = termInputs(terms)
    const run = (full: boolean, half: boolean) =>
      runOperator('TunewrightSum', inputs, { ...attributes, ...gives(full, half) }, 2)
    const [full, half] = run(true, true)
    expect(distance(full!, sumOf(terms))).toBeLessThan(bound)
    expect(half).toEqual(rounded(full!))
    expect(run(false, true)).toEqual([new Float32Array(0), half])
    expect(run(true, false)).toEqual([full, new Float32Array(0)])
  })

  test.each(named)('norm of sum %s', (_, rows, width, counts) => {
    const terms = chanceTerms(rows, width, counts)
    const { inputs, attributes } = termInputs(terms)
    const weight = weightOf(width)
    const [epsilon, offset] = [Math.fround(1e-5), 1]
    const run = (keeps: boolean) =>
      runOperator(
        'TunewrightSumNorm',
        [...inputs, weight],
        {
          ...{ ...attributes, ...gives(true, true), keeps: boolean(keeps) },
          ...{ epsilon: float(epsilon), offset: float(offset) },
        },
        4,
      )
    const [kept, full, half, inverse] = run(true)
    const x = sumOf(terms)
    const wanted = inverseNorms(x, width, epsilon)
    expect(distance(kept!, x)).toBeLessThan(bound)
    expect(distance(inverse!, wanted)).toBeLessThan(bound)
    const y = x.map((each, i) => each * wanted[Math.floor(i / width)]! * (weight.data[i % width]! + offset))
    expect(distance(full!, y)).toBeLessThan(bound)
    expect(half).toEqual(rounded(full!))
    expect(run(false)).toEqual([new Float32Array(0), full, half, inverse])
  })

  test.each(named)('backward norm of sum %s, with more to add', (_, rows, width, counts) => {
    const dy = chanceTerms(rows, width, counts)
    for (const more of [{}, { halves: 1, ranks: [-4], fulls: 1 }]) {
      const after = chanceTerms(rows, width, more, 'after')
      const x = chance(`x ${rows} ${width}`, rows * width)
      const weight = weightOf(width)
      const inverse = Float32Array.from(inverseNorms(Float64Array.from(x), width, 1e-5))
      const { inputs, attributes } = termInputs(dy, after)
      const [full, half] = runOperator(
        'TunewrightSumNormBackward',
        [...inputs, { shape: [rows, width], data: x }, weight, { shape: [rows, 1], data: inverse }],
        { ...attributes, ...gives(true, true), offset: float(0.5) },
        2,
      )
      const wanted = normGradient(sumOf(dy), x, weight.data, 0.5, inverse)
      const added = sumOf(after)
      expect(
        distance(
          full!,
          wanted.map((each, i) => each + added[i]!),
        ),
      ).toBeLessThan(bound)
      expect(half).toEqual(rounded(full!))
    }
  })

  test.each(named)('gate and derivative, %s', (_, rows, width, counts) => {
    const gate = chanceTerms(rows, width, counts)
    const up = chanceTerms(rows, width, { halves: 1, ranks: [-4], fulls: 1 }, 'up')
    const { inputs, attributes } = termInputs(gate, up)
    const run = (keeps: number) =>
      runOperator(
        'TunewrightGated',
        inputs,
        { ...attributes, ...gives(true, true), keeps: integer(keeps) },
        6,
      )
    const [gates, ups, , , full, half] = run(1)
    const [g, u] = [sumOf(gate), sumOf(up)]
    expect(distance(gates!, g)).toBeLessThan(bound)
    expect(distance(ups!, u)).toBeLessThan(bound)
    expect(
      distance(
        full!,
        g.map((each, i) => each * sigmoid(each) * u[i]!),
      ),
    ).toBeLessThan(bound)
    expect(half).toEqual(rounded(full!))
    const empty = new Float32Array(0)
    expect(run(2)).toEqual([empty, empty, rounded(gates!), rounded(ups!), full, half])
    expect(run(0)).toEqual([empty, empty, empty, empty, full, half])

    const dy = chanceTerms(rows, width, counts, 'dy')
    for (const isHalf of [false, true]) {
      const kept = [gates!, ups!].map((data) => ({
        ...{ shape: [rows, width], data: isHalf ? rounded(data) : data, isHalf },
      }))
      const found = gatedGradient(termInputs(dy), kept, isHalf)
      const d = sumOf(dy)
      const [dGate, dUp] = [new Float64Array(d.length), new Float64Array(d.length)]
      for (const [i, each] of d.entries()) {
        const [a, b] = kept.map(({ data }) => data[i]!) as [number, number]
        const s = sigmoid(a)
        dUp[i] = each * a * s
        dGate[i] = each * b * s * (1 + a * (1 - s))
      }
      expect(distance(found[0]!, dGate)).toBeLessThan(bound)
      expect(distance(found[1]!, dUp)).toBeLessThan(bound)
      expect(found.slice(2)).toEqual(found.slice(0, 2).map(rounded))
    }
  })

  test('gates far from 0 neither overflow nor vanish', () => {
    const gates = Float32Array.from([
      -1e4, -200, -90, -87, -30, -1e-20, 0, 1e-20, 30, 87, 90, 200, 1e4, 1, 2, 3,
    ])
    const one = { ...chanceTerms(1, 16, {}), fulls: [gates] }
    const ones = { ...one, fulls: [new Float32Array(16).fill(1)] }
    const { inputs, attributes } = termInputs(one, ones)
    const [, , , , full] = runOperator(
      'TunewrightGated',
      inputs,
      { ...attributes, ...gives(true, false), keeps: integer(0) },
      6,
    )
    for (const [i, found] of full!.entries()) {
      const wanted = gates[i]! * sigmoid(gates[i]!)
      expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-6 * Math.abs(wanted) + 1e-30)
    }
  })

  test('what is no number stays so, in its own row only', () => {
    const terms = chanceTerms(3, 32, { fulls: 1 })
    terms.fulls[0]![33] = Number.NaN
    const { inputs, attributes } = termInputs(terms, terms)
    const [, , , , full] = runOperator(
      'TunewrightGated',
      inputs,
      { ...attributes, ...gives(true, false), keeps: integer(0) },
      6,
    )
    expect([...full!].map(Number.isNaN)).toEqual(Array.from({ length: 96 }, (_, i) => i === 33))
    const [, normed] = runOperator(
      'TunewrightSumNorm',
      [...termInputs(terms).inputs, weightOf(32)],
      {
        ...{ ...termInputs(terms).attributes, ...gives(true, false), keeps: boolean(false) },
        ...{ epsilon: float(1e-5), offset: float(0) },
      },
      4,
    )
    expect([...normed!].map(Number.isNaN)).toEqual(Array.from({ length: 96 }, (_, i) => i >= 32 && i < 64))
  })

  test.each(wrong)('refused: %s', (_, change, said) => {
    const { inputs, attributes } = termInputs(chanceTerms(4, 32, { halves: 1, ranks: [4], fulls: 2 }))
    const given = change([...inputs])
    const run = () =>
      runOperator('TunewrightSum', given.inputs, { ...attributes, ...gives(true, true), ...given.changed }, 2)
    expect(run).toThrow(said)
  })

  test('refused: weights and kept values of another size', () => {
    const { inputs, attributes } = termInputs(chanceTerms(4, 32, { fulls: 1 }))
    const wide: Given = { shape: [4, 32], data: new Float32Array(128) }
    const long: Given = { shape: [5, 32], data: new Float32Array(160) }
    const inverse: Given = { shape: [4, 1], data: new Float32Array(4) }
    const normed = { ...attributes, ...gives(true, false), offset: float(0) }
    const forward = { ...normed, keeps: boolean(false), epsilon: float(1) }
    expect(() => runOperator('TunewrightSumNorm', [...inputs, weightOf(16)], forward, 4)).toThrow(
      'weight: expected [32], got [16]',
    )
    const backward = (x: Given, weight: Given, ofRows: Given) => () =>
      runOperator('TunewrightSumNormBackward', [...inputs, x, weight, ofRows], normed, 2)
    expect(backward(long, weightOf(32), inverse)).toThrow('x: expected [4,32], got [5,32]')
    expect(backward(wide, weightOf(48), inverse)).toThrow('weight: expected [32], got [48]')
    expect(backward(wide, weightOf(32), wide)).toThrow('inverse: expected [4,1], got [4,32]')
    expect(() => gatedGradient({ inputs, attributes }, [wide, long], false)).toThrow('ups_sum')
    expect(() => gatedGradient({ inputs, attributes }, [long, wide], false)).toThrow('gates')
    const half = { ...wide, isHalf: true }
    expect(() => gatedGradient({ inputs, attributes }, [half, half], true, false)).toThrow('another type')
    const gate = { ...attributes, ...gives(true, false), keeps: integer(0) }
    expect(() => runOperator('TunewrightGated', inputs, gate, 6)).toThrow('a term of the second sum')
  })
})

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

function gatedGradient(
  { inputs, attributes }: ReturnType<typeof termInputs>,
  kept: readonly Given[],
  isHalf: boolean,
  saysHalf = isHalf,
) {
  const more = { kept: type(isHalf ? 'bfloat16' : 'float32'), kept_half: boolean(saysHalf) }
  const all = { ...attributes, ...gives(true, true), ...more }
  return runOperator('TunewrightGatedBackward', [...inputs, ...kept], all, 4)
}

/** Of each row. */
function inverseNorms(x: Float64Array, width: number, epsilon: number): Float64Array {
  return Float64Array.from({ length: x.length / width }, (_, t) => {
    const row = x.subarray(t * width, (t + 1) * width)
    return 1 / Math.sqrt(row.reduce((sum, each) => sum + each ** 2, 0) / width + epsilon)
  })
}

function normGradient(
  dy: Float64Array,
  x: Float32Array,
  weight: ArrayLike<number>,
  offset: number,
  inverse: Float32Array,
): Float64Array {
  const width = weight.length
  const g = dy.map((each, i) => each * (weight[i % width]! + offset))
  return g.map((each, i) => {
    const t = Math.floor(i / width)
    const r = inverse[t]!
    let along = 0
    for (let c = 0; c < width; c += 1) along += g[t * width + c]! * x[t * width + c]!
    return r * each - (r ** 3 * x[i]! * along) / width
  })
}

interface Changed {
  readonly inputs: readonly Given[]
  readonly changed?: Attributes
}
type Change = (inputs: readonly Given[]) => Changed
const withInput =
  (index: number, shape: readonly number[], isHalf = false): Change =>
  (inputs) => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1))
    return { inputs: inputs.with(index, { shape, data, isHalf }) }
  }
const withAttributes =
  (changed: Attributes): Change =>
  (inputs) => ({ inputs, changed })
/** Of no adapter, but so many values. */
const onlyFulls =
  (count: number, shape: readonly number[]): Change =>
  (inputs) => {
    const { data } = inputs.at(-1)!
    const counts = { H: 0, N: 0, F: count, first_H: 0, first_N: 0, first_F: count }
    const numbers = Object.entries(counts).map(([name, each]) => [name, integer(each)])
    return {
      inputs: Array<Given>(count).fill({
        shape,
        data: (data as Float32Array).slice(0, shape[0]! * shape[1]!),
      }),
      changed: { ...Object.fromEntries(numbers), scales: floats([]) },
    }
  }

const wrong: readonly (readonly [string, Change, string])[] = [
  ['a product of another length', withInput(0, [5, 32], true), 'fulls: expected [5,32], got [4,32]'],
  ['a value of another width', withInput(4, [4, 48]), 'fulls: expected [4,32], got [4,48]'],
  ['a way down of another length', withInput(1, [3, 4]), 'downs: expected [4,4], got [3,4]'],
  ['ranks that differ', withInput(1, [4, 5]), 'ups: expected [5,32], got [4,32]'],
  ['a way up that is turned', withInput(2, [32, 4]), 'ups: expected [4,32], got [32,4]'],
  [
    'a way up that should be turned',
    withAttributes({ turned: integer(1) }),
    'ups: expected [32,4], got [4,32]',
  ],
  ['a width of 24', onlyFulls(1, [4, 24]), 'a multiple of 16, got 24'],
  ['17 values', onlyFulls(17, [4, 32]), 'more than 16 of a kind'],
  ['more first terms than terms', withAttributes({ first_F: integer(3) }), 'first_F'],
  ['first terms below 0', withAttributes({ first_H: integer(-1) }), 'first_H'],
  ['a scale too few', withAttributes({ scales: floats([]) }), 'scales: expected one for each adapter'],
  [
    'no first term',
    withAttributes({ first_H: integer(0), first_N: integer(0), first_F: integer(0) }),
    'a term of the first sum',
  ],
]

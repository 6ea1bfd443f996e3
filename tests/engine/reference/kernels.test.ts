// Reference kernels on numbers worked out by hand or taken from tables: what no comparison of two backends can show.
import { describe, expect, test } from 'vitest'
import type { Activation, AttentionAttributes, NumericTensor, Value } from '../../../src/engine/index.ts'
import { interpret } from '../../../src/engine/index.ts'
import { activations, erf } from '../../../src/engine/reference/kernels/activations.ts'
import { Bench } from '../support/gradient-check.ts'

/** Results of the values that `build` gives, as plain lists of numbers. */
function run(build: (bench: Bench) => readonly Value[]): readonly (readonly number[])[] {
  const bench = new Bench()
  const values = bench.builder.inRegion('test', () => build(bench))
  for (const value of values) bench.builder.output(value)
  const results = interpret(bench.builder.build(), bench.feeds as ReadonlyMap<string, NumericTensor>)
  return values.map((value) => [...(results.get(value.name)?.data ?? [])])
}

function expectClose(actual: readonly number[] | undefined, expected: readonly number[]): void {
  expect(actual?.length).toBe(expected.length)
  for (const [i, value] of expected.entries()) expect(actual?.[i], `number ${i}`).toBeCloseTo(value, 12)
}

describe('activations', () => {
  // Abramowitz & Stegun, table 7.1, continued to 16 digits.
  test.each([
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [-3, -0.9999779095030014],
    [7, 1],
  ])('erf(%d)', (x, expected) => {
    expect(erf(x)).toBeCloseTo(expected, 15)
  })

  test.each([
    ['silu', 1, 0.7310585786300049],
    ['gelu', 1, 0.8413447460685429],
    ['gelu', -2, -0.04550026389635842],
    ['gelu-tanh', 1, 0.8411919906082768],
    ['relu', -2, 0],
    ['relu', 2, 2],
    ['tanh', 1, 0.7615941559557649],
  ] satisfies readonly [Activation, number, number][])('%s(%d)', (kind, x, expected) => {
    expect(activations[kind].value(x)).toBeCloseTo(expected, 14)
  })

  test('relu passes no gradient at 0', () => {
    expect(activations.relu.derivative(0)).toBe(0)
  })
})

describe('which keys a query sees', () => {
  const plain = {
    heads: 1,
    kvHeads: 1,
    scale: 1,
    causal: false,
    window: null,
    softCap: null,
    sharesStart: false,
  }

  /** With queries of 0 every seen key weighs the same: out is the mean of 10^key over them, exp(logSumExp) their number. */
  function seenKeys(
    attributes: Partial<AttentionAttributes>,
    segments: { readonly queries: readonly number[]; readonly keys: readonly number[] } | null = null,
    keys = 4,
  ): readonly (readonly number[])[] {
    const [out, logSumExp] = run((bench) => {
      const q = bench.given('q', [1, 4, 1], [0, 0, 0, 0])
      const k = bench.fixed('k', [1, keys, 1])
      const powers = Array.from({ length: keys }, (_, key) => 10 ** key)
      const v = bench.given('v', [1, keys, 1], powers)
      const ofQueries = segments && bench.whole('querySegments', [1, 4], segments.queries)
      const ofKeys = segments && bench.whole('keySegments', [1, keys], segments.keys)
      const inputs = [q, k, v, ofQueries, ofKeys, null, null] as const
      return bench.builder.add('attention', [...inputs], { ...plain, ...attributes })
    })
    return Array.from(out ?? [], (mean, query) => {
      const count = Math.exp(logSumExp?.[query] ?? Number.NaN)
      const digits = String(Math.round(mean * count))
        .split('')
        .reverse()
      expect(digits.filter((digit) => digit === '1').length).toBe(Math.round(count))
      return digits.flatMap((digit, key) => (digit === '1' ? [key] : []))
    })
  }

  const documents = { queries: [0, 0, 1, 1], keys: [0, 0, 1, 1] }
  const all = [0, 1, 2, 3]

  test('every key; with causal its own and earlier ones', () => {
    expect(seenKeys({})).toEqual([all, all, all, all])
    expect(seenKeys({ causal: true })).toEqual([[0], [0, 1], [0, 1, 2], all])
  })

  test('a window of W: W keys back with its own, and as far ahead where it is not causal', () => {
    expect(seenKeys({ causal: true, window: 1 })).toEqual([[0], [1], [2], [3]])
    expect(seenKeys({ causal: true, window: 2 })).toEqual([[0], [0, 1], [1, 2], [2, 3]])
    expect(seenKeys({ window: 2 })).toEqual([
      [0, 1],
      [0, 1, 2],
      [1, 2, 3],
      [2, 3],
    ])
    expect(seenKeys({ causal: true, window: 9 })).toEqual([[0], [0, 1], [0, 1, 2], all])
  })

  test('keys of its own segment only', () => {
    expect(seenKeys({}, documents)).toEqual([
      [0, 1],
      [0, 1],
      [2, 3],
      [2, 3],
    ])
    expect(seenKeys({ causal: true }, documents)).toEqual([[0], [0, 1], [2], [2, 3]])
    expect(seenKeys({ causal: true, window: 1 }, documents)).toEqual([[0], [1], [2], [3]])
  })

  test('keys of another side; where it sees none, nothing comes and nothing is poisoned', () => {
    const sides = { queries: [0, 0, 1, 2], keys: [0, 1, 1] }
    expect(seenKeys({}, sides, 3)).toEqual([[0], [0], [1, 2], []])
  })
})

describe('scores', () => {
  test('are scaled, then capped, then the bias is added', () => {
    const [out, logSumExp] = run((bench) => {
      const [q, k] = [bench.given('q', [1, 1, 1], [3]), bench.given('k', [1, 2, 1], [2, 0])]
      const [v, bias] = [bench.given('v', [1, 2, 1], [1, 0]), bench.given('bias', [1, 2, 1], [0.25, -0.5])]
      const attributes = {
        heads: 1,
        kvHeads: 1,
        scale: 0.5,
        causal: false,
        window: null,
        softCap: 2,
        sharesStart: false,
      }
      return bench.builder.add('attention', [q, k, v, null, null, null, bias], attributes)
    })
    const [first, second] = [2 * Math.tanh(3 / 2) + 0.25, -0.5]
    const sum = Math.exp(first) + Math.exp(second)
    expectClose(out, [Math.exp(first) / sum])
    expectClose(logSumExp, [Math.log(sum)])
  })
})

describe('norms', () => {
  test('rmsNorm with weights around 0 multiplies by 1 + weight', () => {
    const [y] = run((bench) => {
      const [x, weight] = [bench.given('x', [1, 2], [3, 4]), bench.given('weight', [2], [0, 1])]
      return bench.builder.add('rmsNorm', [x, weight], { epsilon: 0, offset: 1 })
    })
    expectClose(y, [3 / Math.sqrt(12.5), 8 / Math.sqrt(12.5)])
  })

  test('layerNorm divides the variance by the width', () => {
    const [y, mean, invStd] = run((bench) => {
      const [x, weight] = [bench.given('x', [1, 4], [1, 1, 5, 5]), bench.given('weight', [4], [1, 2, 1, 2])]
      const bias = bench.given('bias', [4], [0, 0, 1, 1])
      return bench.builder.add('layerNorm', [x, weight, bias], { epsilon: 0 })
    })
    expectClose(y, [-1, -2, 2, 3])
    expectClose(mean, [3])
    expectClose(invStd, [0.5])
  })
})

test('rope turns the first numbers of every head and leaves the others', () => {
  const [y] = run((bench) => {
    const x = bench.given('x', [1, 1, 8], [1, 2, 30, 40, 5, 6, 70, 80])
    const positions = bench.whole('positions', [1, 1], [1])
    const [cos, sin] = [bench.given('cos', [2, 1], [1, 0.6]), bench.given('sin', [2, 1], [0, 0.8])]
    return bench.builder.add('rope', [x, positions, cos, sin], { heads: 2, inverse: false })
  })
  expectClose(y, [0.6 - 1.6, 1.2 + 0.8, 30, 40, 3 - 4.8, 3.6 + 4, 70, 80])
})

test('smoothed cross-entropy of even logits is still the log of their number; its gradient leans to the target', () => {
  const [losses, dLogits] = run((bench) => {
    const logits = bench.given('logits', [1, 4], [7, 7, 7, 7])
    const inputs = [logits, bench.whole('targets', [1], [2]), bench.given('weights', [1], [2])] as const
    return bench.builder.add('softmaxCrossEntropy', [...inputs], { smoothing: 0.2 })
  })
  expectClose(losses, [2 * Math.log(4)])
  // q = 0.05 everywhere and 0.85 at the target
  expectClose(dLogits, [0.4, 0.4, -1.2, 0.4])
})

test('smoothed cross-entropy charges for every class', () => {
  const [losses] = run((bench) => {
    const logits = bench.given('logits', [1, 2], [Math.log(3), 0])
    const inputs = [logits, bench.whole('targets', [1], [0]), bench.given('weights', [1], [1])] as const
    return bench.builder.add('softmaxCrossEntropy', [...inputs], { smoothing: 0.2 })
  })
  expectClose(losses, [-0.9 * Math.log(0.75) - 0.1 * Math.log(0.25)])
})

test.each([
  ['output first', false, [3, 5, 0, 4]],
  ['input first', true, [3, 0, 5, 4]],
])('adaptedRowNorms measures rows of weight + scale * b a, %s', (_, isInputFirst, weight) => {
  const [norms] = run((bench) => {
    const inputs = [
      bench.given('weight', [2, 2], weight),
      bench.given('a', [1, 2], [1, 2]),
      bench.given('b', [2, 1], [0.5, 1]),
    ] as const
    return bench.builder.add('adaptedRowNorms', [...inputs], { scale: 2, isInputFirst })
  })
  // rows [3+1, 5+2] and [0+2, 4+4]
  expectClose(norms, [Math.sqrt(65), Math.sqrt(68)])
})

test('parts of a fused projection come out in order, and go back together', () => {
  const [first, second, whole] = run((bench) => {
    const x = bench.given('x', [1, 2, 3], [1, 2, 3, 4, 5, 6])
    const [a, b] = bench.builder.add('slices', [x], { widths: [1, 2] })
    return [a, b!, ...bench.builder.add('concatLast', [b!, a], {})]
  })
  expect([first, second, whole]).toEqual([
    [1, 4],
    [2, 3, 5, 6],
    [2, 3, 1, 5, 6, 4],
  ])
})

test('weightedSum of 1/n is the mean of the positions that count', () => {
  const [y] = run((bench) => {
    const x = bench.given('x', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
    return bench.builder.add('weightedSum', [x, bench.given('weights', [2, 2], [0.5, 0.5, 0, 1])], {})
  })
  expect(y).toEqual([2, 3, 7, 8])
})

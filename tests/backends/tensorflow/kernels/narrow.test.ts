// Our operators for adapters' weights in TensorFlow beside plain double arithmetic.
import { describe, expect, test } from 'vitest'
import { boolean, float, integer, type } from '#backends/tensorflow/graph-def.ts'
import { type Given, hasOperators, runOperator } from './run-operator.ts'
import { chance, distance, rounded } from './terms.ts'

const scale = Math.fround(1.3)

const attributesOf = (count: number, isTurned: boolean, isHalf: boolean) => ({
  M: integer(count),
  scale: float(scale),
  turned: boolean(isTurned),
  of: type(isHalf ? 'bfloat16' : 'float32'),
  is_half: boolean(isHalf),
})

function inputOf(rows: number, width: number, isHalf: boolean) {
  const data = chance(`x ${rows} ${width}`, rows * width)
  return { shape: [rows, width], data: isHalf ? rounded(data) : data, isHalf }
}

/** Rows, width, ranks. More rows than are summed at a time, ranks and rows that leave a rest. */
const sizes = [
  [1, 16, [1]],
  [5, 48, [8, 8, 8]],
  [259, 176, [7, 16]],
  [600, 32, [1, 3]],
  [34, 576, [64]],
  [0, 32, [4]],
] as const

const cases = sizes.flatMap(([rows, width, ranks]) =>
  [false, true].flatMap((isTurned) =>
    [false, true].map((isHalf) => ({ rows, width, ranks, isTurned, isHalf })),
  ),
)

describe.runIf(hasOperators())("adapters' weights", () => {
  test.each(cases)('down: $rows rows, $width wide, ranks $ranks, turned $isTurned, half $isHalf', (one) => {
    const { rows, width, ranks, isTurned, isHalf } = one
    const x = inputOf(rows, width, isHalf)
    const weights = ranks.map((rank, i) => ({
      shape: isTurned ? [width, rank] : [rank, width],
      data: chance(`weight ${i}`, rank * width),
    }))
    const attributes = attributesOf(ranks.length, isTurned, isHalf)
    const outs = runOperator('TunewrightDown', [x, ...weights], attributes, ranks.length)
    for (const [i, rank] of ranks.entries()) {
      const weight = weights[i]!.data
      const wanted = Float64Array.from({ length: rows * rank }, (_, at) => {
        const [t, r] = [Math.floor(at / rank), at % rank]
        let sum = 0
        for (let c = 0; c < width; c += 1)
          sum += x.data[t * width + c]! * weight[isTurned ? c * rank + r : r * width + c]!
        return scale * sum
      })
      // With products of bfloat16 pairs the weights are rounded too.
      expect(distance(outs[i]!, wanted)).toBeLessThan(isHalf ? 1e-2 : 1e-6)
    }
  })

  test.each(cases)(
    'gradient: $rows rows, $width wide, ranks $ranks, turned $isTurned, half $isHalf',
    (one) => {
      const { rows, width, ranks, isTurned, isHalf } = one
      const x = inputOf(rows, width, isHalf)
      const ds = ranks.map((rank, i) => ({ shape: [rows, rank], data: chance(`d ${i}`, rows * rank) }))
      const attributes = attributesOf(ranks.length, isTurned, isHalf)
      const outs = runOperator('TunewrightNarrowGradient', [...ds, x], attributes, ranks.length)
      expect(runOperator('TunewrightNarrowGradient', [...ds, x], attributes, ranks.length)).toEqual(outs)
      for (const [i, rank] of ranks.entries()) {
        const d = ds[i]!.data
        const wanted = Float64Array.from({ length: rank * width }, (_, at) => {
          const [r, c] = isTurned ? [at % rank, Math.floor(at / rank)] : [Math.floor(at / width), at % width]
          let sum = 0
          for (let t = 0; t < rows; t += 1) sum += d[t * rank + r]! * x.data[t * width + c]!
          return scale * sum
        })
        expect(distance(outs[i]!, wanted)).toBeLessThan(1e-6)
      }
    },
  )

  test('refused: what does not fit', () => {
    const x = inputOf(4, 32, false)
    const down =
      (inputs: readonly Given[], isTurned = false, isHalf = false) =>
      () =>
        runOperator(
          'TunewrightDown',
          inputs,
          { ...attributesOf(1, isTurned, isHalf), of: type('float32') },
          1,
        )
    const weight = (shape: readonly number[]) => ({ shape, data: new Float32Array(shape[0]! * shape[1]!) })
    expect(down([x, weight([8, 31])])).toThrow('weights: expected [7,32], got [8,31]')
    expect(down([x, weight([8, 32])], true)).toThrow('weights: expected [32,8], got [8,32]')
    expect(down([x, weight([8, 32])], false, true)).toThrow('x: another type')
    expect(down([inputOf(4, 24, false), weight([8, 24])])).toThrow('a multiple of 16, got 24')
    const gradient = (d: Given, of: Given) => () =>
      runOperator('TunewrightNarrowGradient', [d, of], attributesOf(1, false, false), 1)
    expect(gradient(weight([5, 8]), x)).toThrow('ds: expected [4,8], got [5,8]')
    expect(gradient(weight([4, 8]), inputOf(4, 40, false))).toThrow('a multiple of 16, got 40')
  })
})

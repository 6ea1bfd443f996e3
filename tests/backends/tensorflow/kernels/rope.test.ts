// Our rotary embedding in TensorFlow beside plain double arithmetic.
import { describe, expect, test } from 'vitest'
import { boolean, integer } from '#backends/tensorflow/graph-def.ts'
import { type Given, hasOperators, runOperator } from './run-operator.ts'
import { chance, distance, gives, rounded } from './terms.ts'

const places = 40

function inputsOf(rows: number, heads: number, width: number) {
  const angles = chance(`angles ${width}`, (places * width) / 2, 3)
  const at = Int32Array.from({ length: rows }, (_, t) => (t * 7) % places)
  const x = {
    shape: [rows, heads * width],
    data: chance(`x ${rows} ${heads} ${width}`, rows * heads * width),
  }
  const cos = { shape: [places, width / 2], data: angles.map(Math.cos) }
  const sin = { shape: [places, width / 2], data: angles.map(Math.sin) }
  return [x, cos, sin, { shape: [rows], data: at }] as const
}

function run(inputs: readonly Given[], heads: number, inverse: boolean, half = true) {
  const attributes = { ...gives(true, half), heads: integer(heads), inverse: boolean(inverse) }
  return runOperator('TunewrightRope', inputs, attributes, 2)
}

describe.runIf(hasOperators())('rope', () => {
  test.each([
    [1, 1, 32],
    [9, 3, 64],
    [131, 2, 96],
    [0, 2, 32],
  ])('%i rows, %i heads, %i wide: there and back', (rows, heads, width) => {
    const inputs = inputsOf(rows, heads, width)
    const [x, cos, sin, at] = inputs.map(({ data }) => data) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Int32Array,
    ]
    const [full, half] = run(inputs, heads, false)
    const part = width / 2
    const wanted = Float64Array.from(x, (each, i) => {
      const [t, c] = [Math.floor(i / (heads * width)), i % width]
      const angle = at[t]! * part + (c % part)
      const other = c < part ? -x[i + part]! : x[i - part]!
      return each * cos[angle]! + other * sin[angle]!
    })
    expect(distance(full!, wanted)).toBeLessThan(5e-7)
    expect(half).toEqual(rounded(full!))
    const [back, none] = run([{ ...inputs[0], data: full! }, ...inputs.slice(1)], heads, true, false)
    expect(distance(back!, x)).toBeLessThan(5e-7)
    expect(none).toHaveLength(0)
  })

  test('refused: what does not fit', () => {
    const [x, cos, sin, at] = inputsOf(5, 2, 32)
    const said = (inputs: readonly Given[], heads = 2) => {
      try {
        run(inputs, heads, false)
        return 'nothing'
      } catch (error) {
        return String(error)
      }
    }
    expect(said([x, cos, sin, at], 0)).toContain('heads: expected a number > 0')
    expect(said([x, cos, sin, at], 3)).toContain('a multiple of 32')
    expect(said([x, cos, sin, at], 4)).toContain('a multiple of 32')
    expect(said([x, cos, sin, at], 1)).toContain('cos: expected [40,32], got [40,16]')
    expect(said([x, cos, { ...sin, shape: [20, 32] }, at])).toContain('sin: expected [40,16], got [20,32]')
    expect(said([x, cos, sin, { shape: [4], data: at.data.slice(1) }])).toContain(
      'positions: expected [5], got [4]',
    )
    for (const wrong of [-1, places]) {
      const positions = { ...at, data: at.data.with(4, wrong) }
      expect(said([x, cos, sin, positions])).toContain('positions: one has no row')
    }
  })
})

// Every optimizer beside its reference over ten steps (tests/python/optimizer_figures.py): torch's AdamW and SGD,
// transformers' Adafactor, bitsandbytes' Lion and AdamW8bit.
import { describe, expect, it } from 'vitest'
import { createDynamicMap } from '../../../src/engine/optim/dynamic-map.ts'
import { blankMemory, createOptimizer, type OptimizerKind } from '../../../src/engine/optim/optimizer.ts'
import { layoutOf } from '../../../src/engine/train/state.ts'
import { optimizerSettings } from '../../../src/shared/recipe.ts'
import figures from '../../golden/optimizers.json' with { type: 'json' }

const shapes = [[7, 5], [13], [3, 300], [9, 500], [2, 3, 4]]
const layout = layoutOf(shapes.map((shape, index) => ({ name: `tensor.${index}.weight`, shape })))
const magnitudes = [1, 0.1, 0.01, 0.001]
const stride = 37

const cell = (index: number, tensor: number): number =>
  ((index * 7919 + tensor * 10007 + ((index * index) % 997) * 31) % 2003) / 2003 - 0.5

const sample = (data: ArrayLike<number>): number[] =>
  Array.from(data).filter((_, i) => data.length < 100 || i % stride === 0)

const changes: { readonly [Kind in OptimizerKind]: object } = {
  adamw: {},
  'adamw-8bit': {},
  adafactor: {},
  lion: { beta2: 0.99 },
  sgd: {},
}

/** bitsandbytes', torch's and transformers' names of what is kept. */
const referenceNames: Readonly<Record<string, readonly string[]>> = {
  first: ['exp_avg', 'momentum_buffer', 'state1'],
  second: ['exp_avg_sq', 'state2'],
  rows: ['exp_avg_sq_row'],
  columns: ['exp_avg_sq_col'],
  'first.scales': ['absmax1'],
  'second.scales': ['absmax2'],
  'first.codes': ['state1'],
  'second.codes': ['state2'],
}

function runSteps(kind: OptimizerKind) {
  const settings = optimizerSettings.parse({ kind, learningRate: 0.01, weightDecay: 0.1, ...changes[kind] })
  const parameters = new Float32Array(layout.length)
  const gradients = new Float32Array(layout.length)
  const memory = blankMemory(kind, layout.entries)
  for (const [tensor, { offset, length }] of layout.entries.entries())
    for (let i = 0; i < length; i += 1) parameters[offset + i] = cell(i, tensor)
  const optimizer = createOptimizer(settings, layout.entries, { parameters, gradients, memory })
  for (let step = 0; step < 10; step += 1) {
    for (const [tensor, { offset, length }] of layout.entries.entries())
      for (let i = 0; i < length; i += 1)
        // Halved here and doubled by gradScale: powers of two, so that it changes no bit.
        gradients[offset + i] = Math.fround(cell(i, 100 * step + tensor) * magnitudes[(i + step) % 4]!) / 2
    optimizer.step({ updates: step + 1, learningRate: 0.01, gradScale: 2 })
  }
  return { parameters, memory }
}

/** The largest difference, in parts of the largest magnitude. */
function worstDifference(ours: readonly number[], theirs: readonly number[]): number {
  expect(ours).toHaveLength(theirs.length)
  const largest = Math.max(...theirs.map(Math.abs))
  return Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!))) / largest
}

describe.each(Object.keys(changes) as OptimizerKind[])('%s', (kind) => {
  const { parameters, memory } = runSteps(kind)
  const reference = figures[kind]

  it('moves the parameters as its reference does', () => {
    for (const [tensor, { offset, length }] of layout.entries.entries()) {
      const ours = sample(parameters.subarray(offset, offset + length))
      expect(worstDifference(ours, reference.parameters[tensor]!)).toBeLessThan(5e-7)
    }
  })

  it('keeps what its reference keeps', () => {
    let compared = 0
    for (const [tensor, { name }] of layout.entries.entries())
      for (const [key, { data }] of memory) {
        if (!key.endsWith(`.${name}`)) continue
        const slot = key.slice(0, -name.length - 1)
        const kept = new Map<string, readonly number[]>(Object.entries(reference.kept[tensor]!))
        const theirs = referenceNames[slot]!.map((their) => kept.get(their)).find((values) => values)
        if (!theirs) throw new Error(`the reference keeps no ${slot} of tensor ${tensor}`)
        const ours = sample(data)
        // A moment may lie in the middle of two values of the map, where rounding decides.
        if (slot.endsWith('.codes'))
          expect(Math.max(...ours.map((code, i) => Math.abs(code - theirs[i]!)))).toBeLessThanOrEqual(1)
        else expect(worstDifference(ours, theirs)).toBeLessThan(slot.endsWith('.scales') ? 1e-5 : 1e-6)
        compared += 1
      }
    expect(compared).toBe(memory.size)
  })
})

describe('the dynamic map', () => {
  const maps = [
    ['signed', createDynamicMap(true), figures.signedMap],
    ['unsigned', createDynamicMap(false), figures.unsignedMap],
  ] as const

  it.each(maps)('%s: has the values of bitsandbytes', (_, map, theirs) => {
    for (const [code, value] of theirs.entries())
      expect(Math.abs(map.values[code]! - value)).toBeLessThanOrEqual(2e-7 * Math.abs(value))
  })

  it.each(maps)('%s: finds the nearest value of any number', (name, map) => {
    const lowest = name === 'signed' ? -1 : 0
    const numbers = Float32Array.from({ length: 8000 }, (_, i) => {
      const spread = cell(i, 3) + 0.5
      const value = i % 2 === 0 ? spread : spread ** 30
      return i % 4 < 2 && lowest < 0 ? -value : value
    })
    // The middles between values and their neighbours, where the wrong code is nearest by.
    const middles = Array.from(map.values.subarray(1), (value, i) => (value + map.values[i]!) / 2)
    const edges = Float32Array.from(middles.flatMap((m) => [m * (1 - 1e-6), m, m * (1 + 1e-6)]))
    for (const list of [numbers, edges, map.values]) {
      const codes = new Uint8Array(list.length + 1)
      map.encode(list, list.length, 1, codes, 1)
      for (const [i, number] of list.entries()) {
        const found = Math.abs(map.values[codes[i + 1]!]! - number)
        const allowed = name === 'unsigned' && number > 0 ? map.values.subarray(1) : map.values
        const nearest = allowed.reduce((least, value) => Math.min(least, Math.abs(value - number)), 9)
        expect(found - nearest).toBeLessThanOrEqual(1e-7 * Math.abs(number))
      }
    }
  })

  it.each(maps)('%s: a block of zeros has the code of 0', (_, map) => {
    const codes = new Uint8Array(3)
    map.encode(new Float32Array(3), 3, 0, codes, 0)
    expect([...codes].map((code) => map.values[code])).toEqual([0, 0, 0])
  })
})

import { describe, expect, it } from 'vitest'
import { liveMemory } from '../../../src/engine/analysis/live-memory.ts'
import { GraphBuilder } from '../../../src/engine/ir/graph-builder.ts'
import type { Value } from '../../../src/engine/ir/types.ts'

const width = 8
const sizes = new Map([
  ['B', 2],
  ['S', 3],
])
/** Bytes of one [B,S,C]. */
const one = 4 * 2 * 3 * width

function graphOf(make: (builder: GraphBuilder, x: Value, weight: Value) => readonly Value[]) {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['B', 'S', width])
  const weight = builder.parameter('weight', [width, width], false)
  builder.inRegion('layer.0', () => {
    for (const value of make(builder, x, weight)) builder.output(value)
  })
  return builder.build()
}

const linear = (builder: GraphBuilder, x: Value, weight: Value): Value =>
  builder.add('linear', [x, weight, null], { scale: 1 })[0]

describe('memory of values while a graph runs', () => {
  it('holds a value until its last reader, and neither feeds nor weights', () => {
    const chain = graphOf((b, x, weight) => [linear(b, linear(b, linear(b, x, weight), weight), weight)])
    expect(liveMemory(chain, sizes)).toMatchObject({
      peakBytes: 2 * one,
      peakRegion: 'layer.0',
      outputBytes: one,
    })
  })

  it('holds what is read again later', () => {
    const skip = graphOf((b, x, weight) => {
      const kept = linear(b, x, weight)
      const far = linear(b, linear(b, kept, weight), weight)
      return [
        linear(b, b.add('concatLast', [kept, far], {})[0], b.parameter('wide', [width, 2 * width], false)),
      ]
    })
    // kept, far and both joined.
    expect(liveMemory(skip, sizes).peakBytes).toBe(4 * one)
  })

  it('puts a sum into the place of an operand that ends with it', () => {
    const sum = graphOf((b, x, weight) => {
      const [a, c] = [linear(b, x, weight), linear(b, x, weight)]
      return [b.add('add', [a, c], {})[0]]
    })
    expect(liveMemory(sum, sizes).peakBytes).toBe(2 * one)
    const kept = graphOf((b, x, weight) => {
      const [a, c] = [linear(b, x, weight), linear(b, x, weight)]
      return [b.add('add', [a, c], {})[0], a, c]
    })
    expect(liveMemory(kept, sizes).peakBytes).toBe(3 * one)
  })

  it('counts a view as what it shows, alive as long as the view', () => {
    const view = graphOf((b, x, weight) => {
      const made = linear(b, x, weight)
      const [heads] = b.add('splitLast', [made], { parts: 2 })
      const other = linear(b, x, weight)
      return [b.add('mergeLast', [heads], {})[0], other]
    })
    expect(liveMemory(view, sizes)).toMatchObject({ peakBytes: 2 * one, outputBytes: 2 * one })
  })

  it('adds what a node needs for itself, where it runs', () => {
    const chain = graphOf((b, x, weight) => [linear(b, linear(b, x, weight), weight)])
    expect(liveMemory(chain, sizes, () => 1000).peakBytes).toBe(2 * one + 1000)
  })

  it('wants every symbol', () => {
    const chain = graphOf((b, x, weight) => [linear(b, x, weight)])
    expect(() => liveMemory(chain, new Map([['B', 2]]))).toThrow('nothing gives the size of S')
  })
})

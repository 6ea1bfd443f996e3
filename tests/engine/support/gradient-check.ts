// Gradients of a graph beside central differences of its losses, in float64.
import type { Graph, NumericTensor, Value } from '../../../src/engine/index.ts'
import {
  differentiate,
  GraphBuilder,
  gradientOutputName,
  interpret,
  verifyGraph,
} from '../../../src/engine/index.ts'
import type { Feeds } from './feeds.ts'
import { countOf, randomTensor, wholeTensor } from './numbers.ts'

/** Builds small graphs whose operands come with numbers. */
export class Bench {
  readonly builder = new GraphBuilder()
  readonly feeds = new Map<string, NumericTensor>()

  /** A trainable operand with random numbers in [-scale, scale). */
  trained(name: string, shape: readonly number[], scale = 1): Value {
    this.feeds.set(name, randomTensor(shape, name, scale))
    return this.builder.parameter(name, shape, true)
  }

  /** An operand that gets no gradient, with random numbers in [middle - 1, middle + 1). */
  fixed(name: string, shape: readonly number[], middle = 0): Value {
    const { data } = randomTensor(shape, name)
    return this.given(
      name,
      shape,
      Array.from(data, (number) => middle + Number(number)),
    )
  }

  /** An operand that gets no gradient, with these numbers. */
  given(name: string, shape: readonly number[], values: readonly number[]): Value {
    this.feeds.set(name, { shape, data: Float64Array.from(values) })
    return this.builder.parameter(name, shape, false)
  }

  whole(name: string, shape: readonly number[], values: readonly number[]): Value {
    this.feeds.set(name, wholeTensor(shape, values))
    return this.builder.input(name, 'int64', shape)
  }
}

function sumOf(graph: Graph, losses: readonly Value[], feeds: Feeds): number {
  const results = interpret({ ...graph, outputs: losses }, feeds)
  let sum = 0
  for (const { data } of results.values()) for (const value of data) sum += value
  return sum
}

function withCell(feeds: Feeds, name: string, cell: number, by: number): Feeds {
  const tensor = feeds.get(name)
  if (!tensor || tensor.data instanceof BigInt64Array) throw new Error(`${name} holds no fractions`)
  const data = Float64Array.from(tensor.data)
  data[cell] = (data[cell] as number) + by
  return new Map(feeds).set(name, { shape: tensor.shape, data })
}

/** Central difference of the summed losses in one cell of one operand; error about step^2. */
function centralDifference(
  graph: Graph,
  losses: readonly Value[],
  feeds: Feeds,
  name: string,
  cell: number,
  step = 1e-5,
): number {
  const above = sumOf(graph, losses, withCell(feeds, name, cell, step))
  const below = sumOf(graph, losses, withCell(feeds, name, cell, -step))
  return (above - below) / (2 * step)
}

/**
 * The largest error of any gradient cell against central differences, relative to the difference itself or, for
 * cells near zero, to a thousandth of the operand's largest gradient. Checks at most `cells` cells an operand.
 */
export function worstGradientError(
  forward: Graph,
  losses: readonly Value[],
  gradients: ReadonlyMap<string, ArrayLike<number>>,
  feeds: Feeds,
  cells = Number.POSITIVE_INFINITY,
): number {
  let worst = 0
  for (const { value, isTrainable } of forward.parameters) {
    if (!isTrainable) continue
    const gradient = gradients.get(gradientOutputName(value.name))
    const count = countOf(value.shape.map(Number))
    if (!gradient || gradient.length !== count)
      throw new Error(`${value.name} has no gradient of ${count} numbers`)
    const largest = Array.from(gradient).reduce((top, number) => Math.max(top, Math.abs(number)), 0)
    const stride = Math.max(1, Math.ceil(count / cells))
    for (let cell = 0; cell < count; cell += stride) {
      const expected = centralDifference(forward, losses, feeds, value.name, cell)
      const unit = Math.max(Math.abs(expected), largest / 1000, 1e-9)
      worst = Math.max(worst, Math.abs((gradient[cell] as number) - expected) / unit)
    }
  }
  return worst
}

/** The forward graph differentiated by every trained operand. */
export function differentiateAll(forward: Graph, losses: readonly Value[]): Graph {
  const wrt = forward.parameters.filter(({ isTrainable }) => isTrainable).map(({ value }) => value)
  return differentiate(forward, losses, wrt)
}

/** Differentiates by every trained operand, runs, and compares: see `worstGradientError`. */
export function checkGradients(bench: Bench, losses: readonly Value[]): { graph: Graph; worst: number } {
  const forward = bench.builder.build()
  const graph = differentiateAll(forward, losses)
  verifyGraph(graph)
  const results = interpret(graph, bench.feeds)
  const gradients = new Map([...results].map(([name, { data }]) => [name, data]))
  return { graph, worst: worstGradientError(forward, losses, gradients, bench.feeds) }
}

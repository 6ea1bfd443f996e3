// One small graph with random feeds: what an op case is and how it is built.
import type { Tensor } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Dim, Graph, OpKind, Value } from '#engine/ir/types.ts'
import { counterRandom } from '#engine/random.ts'
import { countOf, wholeTensor } from '../../engine/support/numbers.ts'

export interface OpCase {
  readonly name: string
  readonly kind: OpKind
  readonly graph: Graph
  readonly feeds: ReadonlyMap<string, Tensor>
}

export type Sizes = Readonly<Record<string, number>>

/** Sizes that are all different, so that swapped dimensions show. */
const usualSizes: Sizes = { B: 2, S: 5, T: 4, L: 7, M: 3 }

export const width = 12
export const vocabulary = 11
export const x3: readonly Dim[] = ['B', 'S', width]

/** Builds one case: its graph and its feeds grow together. */
export class CaseBuilder {
  readonly builder = new GraphBuilder()
  readonly feeds = new Map<string, Tensor>()
  readonly #caseName: string
  readonly #sizes: Sizes

  constructor(caseName: string, sizes: Sizes) {
    this.#caseName = caseName
    this.#sizes = { ...usualSizes, ...sizes }
  }

  #random(name: string): (index: number) => number {
    return counterRandom(17, `${this.#caseName}: ${name}`)
  }

  #bind(shape: readonly Dim[]): number[] {
    return shape.map((dim) => (typeof dim === 'number' ? dim : this.#sizes[dim]!))
  }

  /** Random numbers in [-1, 1), each as `fill` changes it. */
  float(
    name: string,
    shape: readonly Dim[],
    fill: (random: number, index: number) => number = (x) => x,
  ): Value {
    const [bound, random] = [this.#bind(shape), this.#random(name)]
    const data = Float32Array.from({ length: countOf(bound) }, (_, i) => fill(2 * random(i) - 1, i))
    this.feeds.set(name, { dtype: 'float32', shape: bound, data })
    return this.builder.input(name, 'float32', shape)
  }

  whole(name: string, shape: readonly Dim[], below: number): Value {
    const random = this.#random(name)
    return this.wholeOf(name, shape, (_, index) => Math.floor(random(index) * below))
  }

  /** Whole numbers by their place along the last dimension and among all. */
  wholeOf(name: string, shape: readonly Dim[], numberAt: (place: number, index: number) => number): Value {
    const bound = this.#bind(shape)
    const last = bound.at(-1) ?? 1
    const numbers = Array.from({ length: countOf(bound) }, (_, index) => numberAt(index % last, index))
    this.feeds.set(name, wholeTensor(bound, numbers))
    return this.builder.input(name, 'int64', shape)
  }
}

export function opCase(
  kind: OpKind,
  variant: string,
  make: (c: CaseBuilder) => readonly Value[],
  sizes: Sizes = {},
): OpCase {
  const name = variant === '' ? kind : `${kind}, ${variant}`
  const c = new CaseBuilder(name, sizes)
  for (const value of c.builder.inRegion('layer.0', () => make(c))) c.builder.output(value)
  return { name, kind, graph: c.builder.build(), feeds: c.feeds }
}

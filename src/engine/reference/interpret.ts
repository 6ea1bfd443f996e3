// Runs a graph node by node with the reference kernels, in float64 or rounded to float32 after every op.
import { operandsOf } from '../ir/rewrite.ts'
import type { Dim, Graph, OpNode, Value } from '../ir/types.ts'
import type { DenseArray, DenseResult } from './kernels/dense.ts'
import { kernels } from './kernels.ts'

export type Precision = 'float64' | 'float32'

export type NumericArray = Float64Array | Float32Array | BigInt64Array

export interface NumericTensor {
  readonly shape: readonly number[]
  readonly data: NumericArray
}

type Sizes = Map<string, number>

/** A feed whose shape does not fit is a bug of the caller. */
function bindShape(value: Value, shape: readonly number[], sizes: Sizes): void {
  const fits =
    shape.length === value.shape.length &&
    value.shape.every((dim, axis) => {
      const size = shape[axis] as number
      if (typeof dim === 'number') return dim === size
      const known = sizes.get(dim)
      sizes.set(dim, known ?? size)
      return known === undefined || known === size
    })
  if (fits) return
  const known = [...sizes].map(([symbol, size]) => `${symbol}=${size}`).join(' ')
  throw new Error(
    `${value.name}: expected [${value.shape.join(',')}] with ${known}, got [${shape.join(',')}]`,
  )
}

function toDense(value: Value, fed: NumericTensor, precision: Precision): DenseArray {
  const count = fed.shape.reduce((product, size) => product * size, 1)
  if (fed.data.length !== count)
    throw new Error(`${value.name}: expected ${count} numbers, got ${fed.data.length}`)
  const isWhole = fed.data instanceof BigInt64Array
  if (isWhole !== (value.dtype === 'int64')) throw new Error(`${value.name}: expected ${value.dtype}`)
  if (fed.data instanceof BigInt64Array)
    return { shape: fed.shape, data: Float64Array.from(fed.data, (whole) => Number(whole)) }
  return { shape: fed.shape, data: precision === 'float32' ? Float32Array.from(fed.data) : fed.data }
}

function sizeOf(dim: Dim, sizes: Sizes): number {
  const size = typeof dim === 'number' ? dim : sizes.get(dim)
  if (size === undefined) throw new Error(`no input gives the size of ${dim}`)
  return size
}

function emptyResult(value: Value, sizes: Sizes): DenseResult {
  const shape = value.shape.map((dim) => sizeOf(dim, sizes))
  return { shape, data: new Float64Array(shape.reduce((product, size) => product * size, 1)) }
}

function runNode(node: OpNode, values: Map<number, DenseArray>, sizes: Sizes, precision: Precision): void {
  const inputs = (node.inputs as readonly (Value | null)[]).map((value) =>
    value ? (values.get(value.id) ?? null) : null,
  )
  const outputs: readonly Value[] = node.outputs
  const results = outputs.map((value) => emptyResult(value, sizes))
  // The table gives the kernel of the node's own kind.
  const kernel = kernels[node.kind] as (
    inputs: readonly (DenseArray | null)[],
    results: readonly DenseResult[],
    attributes: OpNode['attributes'],
  ) => void
  kernel(inputs, results, node.attributes)
  for (const [index, value] of outputs.entries()) {
    const { shape, data } = results[index] as DenseResult
    values.set(value.id, { shape, data: precision === 'float32' ? Float32Array.from(data) : data })
  }
}

/** For each node, ids of the values that nothing after it needs. */
function lastUses(graph: Graph): readonly (readonly number[])[] {
  const needed = new Set(graph.outputs.map((value) => value.id))
  const uses = graph.nodes.toReversed().map((node) => {
    const ended: number[] = []
    for (const value of [...operandsOf(node), ...node.outputs]) {
      if (needed.has(value.id)) continue
      needed.add(value.id)
      ended.push(value.id)
    }
    return ended
  })
  return uses.reverse()
}

export type NodeObserver = (node: OpNode, liveNumbers: number) => void

/**
 * The graph's outputs by name. `feeds` holds every input and every parameter, trainable or not. Whole numbers are
 * BigInt64Array, all others Float32Array or Float64Array. Sizes of symbols are taken from the feeds. A feed that does
 * not fit is a bug and throws. `observe` is told after each node how many numbers of computed values are alive.
 */
export function interpret(
  graph: Graph,
  feeds: ReadonlyMap<string, NumericTensor>,
  precision: Precision = 'float64',
  observe?: NodeObserver,
): ReadonlyMap<string, DenseArray> {
  const sizes: Sizes = new Map()
  const values = new Map<number, DenseArray>()
  for (const value of [...graph.inputs, ...graph.parameters.map((parameter) => parameter.value)]) {
    const fed = feeds.get(value.name)
    if (!fed) throw new Error(`${value.name} was not fed`)
    bindShape(value, fed.shape, sizes)
    values.set(value.id, toDense(value, fed, precision))
  }
  const fedIds = new Set(values.keys())
  const ended = lastUses(graph)
  for (const [index, node] of graph.nodes.entries()) {
    runNode(node, values, sizes, precision)
    observe?.(node, countLive(values, fedIds))
    for (const id of ended[index] ?? []) values.delete(id)
  }
  return new Map(
    graph.outputs.map((value) => {
      const result = values.get(value.id)
      if (!result) throw new Error(`${value.name} was not computed`)
      return [value.name, result]
    }),
  )
}

function countLive(values: ReadonlyMap<number, DenseArray>, fed: ReadonlySet<number>): number {
  let count = 0
  for (const [id, { data }] of values) if (!fed.has(id)) count += data.length
  return count
}

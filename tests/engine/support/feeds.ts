// Batches and weights as graphs want them: by name, with numbers; and split into what a backend binds and what it is fed.
import type { BuiltGraph, NumericTensor, Tensor, WeightLocation } from '../../../src/engine/index.ts'
import { wholeTensor } from './numbers.ts'

export type Feeds = ReadonlyMap<string, NumericTensor>

/** ids and positions [B,S] of rows of equal length. */
export function batchFeeds(ids: readonly (readonly number[])[]): Map<string, Tensor> {
  const shape = [ids.length, ids[0]?.length ?? 0]
  const positions = ids.flatMap((row) => row.map((_, place) => place))
  return new Map([
    ['ids', wholeTensor(shape, ids.flat())],
    ['positions', wholeTensor(shape, positions)],
  ])
}

export interface Labelled {
  /** Index into the B*S positions; what is predicted from there, and what that weighs. */
  readonly row: number
  readonly target: number
  readonly weight: number
}

/** rows, targets and weights of each chunk; the last may be shorter. */
export function chunkFeeds(labelled: readonly Labelled[], chunks: number): Map<string, NumericTensor> {
  const perChunk = Math.ceil(labelled.length / chunks)
  const feeds = new Map<string, NumericTensor>()
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const part = labelled.slice(chunk * perChunk, (chunk + 1) * perChunk)
    const of = (key: keyof Labelled): number[] => part.map((one) => one[key])
    feeds.set(`rows.${chunk}`, wholeTensor([part.length], of('row')))
    feeds.set(`targets.${chunk}`, wholeTensor([part.length], of('target')))
    feeds.set(`weights.${chunk}`, { shape: [part.length], data: Float64Array.from(of('weight')) })
  }
  return feeds
}

/**
 * Chunks for labels [B,S] (-100: not labelled): position s predicts label s+1, and every labelled target weighs
 * 1 / number of labelled targets, so that the losses add up to their mean.
 */
export function labelFeeds(
  labels: readonly (readonly number[])[],
  chunks: number,
): Map<string, NumericTensor> {
  const labelled = labels.flatMap((row, b) =>
    row.flatMap((target, s) => (s > 0 && target !== -100 ? [{ row: b * row.length + s - 1, target }] : [])),
  )
  return chunkFeeds(
    labelled.map((one) => ({ ...one, weight: 1 / labelled.length })),
    chunks,
  )
}

export function asTensor({ shape, data }: NumericTensor): Tensor {
  if (data instanceof BigInt64Array) return { dtype: 'int64', shape, data }
  return { dtype: 'float32', shape, data: Float32Array.from(data) }
}

type InMemory = WeightLocation & { kind: 'memory' }

/** The graph's frozen weights as a backend binds them, and what else of `numbers` it is fed. */
export function bindFeeds(
  built: BuiltGraph,
  numbers: Feeds,
): { readonly weights: Map<string, InMemory>; readonly feeds: Map<string, Tensor> } {
  const frozen = new Set(built.frozen.map(({ name }) => name))
  const fed = new Set([...built.graph.inputs, ...built.trainable].map(({ name }) => name))
  const weights = new Map<string, InMemory>()
  const feeds = new Map<string, Tensor>()
  for (const [name, tensor] of numbers)
    if (frozen.has(name)) weights.set(name, { kind: 'memory', tensor: asTensor(tensor) })
    else if (fed.has(name)) feeds.set(name, asTensor(tensor))
  return { weights, feeds }
}

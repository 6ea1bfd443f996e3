// What a tree says of one axis in the mean over all others, exactly: functional analysis of variance (Hooker 2007, Hutter et
// al. 2014). Each leaf is a box, so that every mean is a sum over leaves.
import type { Leaf } from './forest.ts'

/** The parts of an axis that are counted, apart from each other, as [from, to]; all points in them count alike. */
export type Measure = readonly (readonly [number, number])[]
export const wholeAxis: Measure = [[0, 1]]

/** Steps of an axis from 0 to 1: between `edges[k]` and `edges[k + 1]` the mean is `means[k]`. */
export interface Marginal {
  readonly edges: readonly number[]
  readonly means: readonly number[]
}

/** Share of a measure that lies between two places. */
function weightOf(measure: Measure, from: number, to: number): number {
  if (measure === wholeAxis) return to - from
  let inside = 0
  let all = 0
  for (const [low, high] of measure) {
    all += high - low
    inside += Math.max(0, Math.min(high, to) - Math.max(low, from))
  }
  return inside / all
}

const volumeOf = ({ from, to }: Leaf, measures: readonly Measure[], without: number): number => {
  let volume = 1
  for (const [axis, measure] of measures.entries())
    if (axis !== without) volume *= weightOf(measure, from[axis]!, to[axis]!)
  return volume
}

/** The tree's mean at each place of an axis, over all other axes. */
export function marginalOf(leaves: readonly Leaf[], axis: number, measures: readonly Measure[]): Marginal {
  const edges = [...new Set(leaves.flatMap(({ from, to }) => [from[axis]!, to[axis]!]))].sort((a, b) => a - b)
  const indexOf = new Map(edges.map((edge, index) => [edge, index]))
  const changes = new Float64Array(edges.length)
  for (const leaf of leaves) {
    const part = leaf.value * volumeOf(leaf, measures, axis)
    changes[indexOf.get(leaf.from[axis]!)!]! += part
    changes[indexOf.get(leaf.to[axis]!)!]! -= part
  }
  let mean = 0
  const means = edges.slice(0, -1).map((_, index) => {
    mean += changes[index]!
    return mean
  })
  return { edges, means }
}

/** Variance of a tree over the whole space. */
export function varianceOf(leaves: readonly Leaf[]): number {
  const measures = Array.from(leaves[0]?.from ?? [], () => wholeAxis)
  return weightedVariance(leaves.map((leaf) => [leaf.value, volumeOf(leaf, measures, -1)]))
}

/** Variance of a marginal over the whole axis. */
export const marginalVariance = ({ edges, means }: Marginal): number =>
  weightedVariance(means.map((mean, index) => [mean, edges[index + 1]! - edges[index]!]))

/** @param at from 0 to 1 */
export function meanAt({ edges, means }: Marginal, at: number): number {
  let [low, high] = [0, means.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (at < edges[middle + 1]!) high = middle
    else low = middle + 1
  }
  return means[low]!
}

function weightedVariance(values: readonly (readonly [number, number])[]): number {
  const weight = values.reduce((sum, [, part]) => sum + part, 0)
  const mean = values.reduce((sum, [value, part]) => sum + value * part, 0) / weight
  return values.reduce((sum, [value, part]) => sum + (value - mean) ** 2 * part, 0) / weight
}

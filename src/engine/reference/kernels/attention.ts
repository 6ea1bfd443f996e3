// Rotary embedding and attention, by their definitions: every query against every key.
import type { AttentionAttributes } from '../../ir/types.ts'
import {
  addScaled,
  at,
  type DenseArray,
  dim,
  dot,
  increase,
  indexAt,
  type Kernels,
  lastDim,
  type Operands,
  softmax,
} from './dense.ts'

type Sharing = Pick<AttentionAttributes, 'heads' | 'kvHeads'>

/** Where heads start: query head h reads key/value head floor(h / (H/K)). */
function headStarts(q: DenseArray, k: DenseArray, { heads, kvHeads }: Sharing) {
  const [rows, queries, keys] = [dim(q, 0), dim(q, 1), dim(k, 1)]
  const width = lastDim(q) / heads
  const query = (b: number, s: number, h: number): number => ((b * queries + s) * heads + h) * width
  const key = (b: number, t: number, h: number): number =>
    ((b * keys + t) * kvHeads + Math.floor((h * kvHeads) / heads)) * width
  return { rows, queries, keys, width, query, key }
}

const capped = (score: number, cap: number | null): number =>
  cap === null ? score : cap * Math.tanh(score / cap)

/** Derivative of `capped`, from its result. */
const capSlope = (result: number, cap: number | null): number => (cap === null ? 1 : 1 - (result / cap) ** 2)

/** Scores of one query against all keys: as they come from the cap, and final, -infinity where it may not look. */
function scoringOf(inputs: Operands<'attention'>, attributes: AttentionAttributes) {
  const [q, k, , querySegments, keySegments, mask, bias] = inputs
  const { heads, scale, causal, window, softCap, sharesStart } = attributes
  const starts = headStarts(q, k, attributes)
  const { queries, keys, width, query, key } = starts
  const sees = (b: number, s: number, t: number): boolean => {
    if (querySegments && keySegments) {
      const ofKey = at(keySegments.data, b * keys + t)
      if (at(querySegments.data, b * queries + s) !== ofKey && !(sharesStart && Number(ofKey) === 0))
        return false
    }
    if (causal && t > s) return false
    return window === null || Math.abs(s - t) < window
  }
  const cappedScores = new Float64Array(keys)
  const scores = new Float64Array(keys)
  const score = (b: number, h: number, s: number): void => {
    scores.fill(Number.NEGATIVE_INFINITY)
    for (let t = 0; t < keys; t += 1) {
      if (!sees(b, s, t)) continue
      const value = capped(scale * dot(q, query(b, s, h), k, key(b, t, h), width), softCap)
      const added =
        (mask ? at(mask.data, (b * queries + s) * keys + t) : 0) +
        (bias ? at(bias.data, (s * keys + t) * heads + h) : 0)
      cappedScores[t] = value
      scores[t] = value + added
    }
  }
  return { ...starts, cappedScores, scores, score }
}

function forEachQuery(
  sizes: { readonly rows: number; readonly heads: number; readonly queries: number },
  work: (b: number, h: number, s: number) => void,
): void {
  for (let b = 0; b < sizes.rows; b += 1)
    for (let h = 0; h < sizes.heads; h += 1) for (let s = 0; s < sizes.queries; s += 1) work(b, h, s)
}

type BackwardOperands = Operands<'attentionBackward'>

/** What one query and one key, which it sees, have to do with each other. */
interface Pair {
  readonly b: number
  readonly h: number
  readonly s: number
  readonly t: number
  readonly probability: number
  /** Of the final score. */
  readonly dScore: number
  /** Of the score before the cap. */
  readonly dUncapped: number
}

/** With P the probabilities: dP = dO V^T, dScore = P (dP - sum_t dP P), and that sum is dO O (Dao et al. 2022). */
function forEachPair(
  [dOut, out, logSumExp, ...forward]: BackwardOperands,
  attributes: AttentionAttributes,
  work: (pair: Pair) => void,
): void {
  const v = forward[2]
  const { rows, queries, keys, width, query, key, cappedScores, scores, score } = scoringOf(
    forward,
    attributes,
  )
  const { heads, softCap } = attributes
  forEachQuery({ rows, heads, queries }, (b, h, s) => {
    score(b, h, s)
    const here = query(b, s, h)
    const mean = dot(dOut, here, out, here, width)
    const logSum = at(logSumExp.data, (b * heads + h) * queries + s)
    for (let t = 0; t < keys; t += 1) {
      if (scores[t] === Number.NEGATIVE_INFINITY) continue
      const probability = Math.exp(at(scores, t) - logSum)
      const dScore = probability * (dot(dOut, here, v, key(b, t, h), width) - mean)
      const dUncapped = dScore * capSlope(at(cappedScores, t), softCap)
      work({ b, h, s, t, probability, dScore, dUncapped })
    }
  })
}

export const attentionKernels = {
  rope([x, positions, cos, sin], [y], { heads, inverse }) {
    const width = lastDim(x) / heads
    const half = lastDim(cos)
    const sign = inverse ? -1 : 1
    y.data.set(x.data)
    for (let place = 0; place < positions.data.length; place += 1) {
      const table = indexAt(positions, place, dim(cos, 0), 'position') * half
      for (let h = 0; h < heads; h += 1)
        for (let i = 0; i < half; i += 1) {
          const first = (place * heads + h) * width + i
          const [a, b] = [at(x.data, first), at(x.data, first + half)]
          const [c, s] = [at(cos.data, table + i), sign * at(sin.data, table + i)]
          y.data[first] = a * c - b * s
          y.data[first + half] = b * c + a * s
        }
    }
  },

  attention(inputs, [out, logSumExp], attributes) {
    const v = inputs[2]
    const { rows, queries, keys, width, query, key, scores, score } = scoringOf(inputs, attributes)
    const probabilities = new Float64Array(keys)
    const { heads } = attributes
    forEachQuery({ rows, heads, queries }, (b, h, s) => {
      score(b, h, s)
      logSumExp.data[(b * heads + h) * queries + s] = softmax(scores, probabilities, 0)
      for (let t = 0; t < keys; t += 1)
        addScaled(out, query(b, s, h), v, key(b, t, h), width, at(probabilities, t))
    })
  },

  attentionBackward(inputs, [dq, dk, dv], attributes) {
    const [dOut, , , q, k] = inputs
    const { width, query, key } = headStarts(q, k, attributes)
    forEachPair(inputs, attributes, ({ b, h, s, t, probability, dUncapped }) => {
      const [here, there] = [query(b, s, h), key(b, t, h)]
      addScaled(dv, there, dOut, here, width, probability)
      addScaled(dq, here, k, there, width, attributes.scale * dUncapped)
      addScaled(dk, there, q, here, width, attributes.scale * dUncapped)
    })
  },

  attentionBiasBackward(inputs, [dBias], attributes) {
    const keys = dim(dBias, 1)
    forEachPair(inputs, attributes, ({ h, s, t, dScore }) => {
      increase(dBias.data, (s * keys + t) * attributes.heads + h, dScore)
    })
  },

  rememberingAttention([q, k, v, pastK, pastV, pastMask], [out], attributes) {
    const { heads, scale, softCap } = attributes
    const { rows, queries, width, query, key } = headStarts(q, k, attributes)
    const past = headStarts(q, pastK, attributes)
    const scored = (from: number, keys: DenseArray, start: number): number =>
      capped(scale * dot(q, from, keys, start, width), softCap)
    forEachQuery({ rows, heads, queries }, (b, h, s) => {
      const here = query(b, s, h)
      const scores = new Float64Array(past.keys + s + 1)
      for (let m = 0; m < past.keys; m += 1)
        scores[m] = scored(here, pastK, past.key(b, m, h)) + at(pastMask.data, b * past.keys + m)
      for (let t = 0; t <= s; t += 1) scores[past.keys + t] = scored(here, k, key(b, t, h))
      const probabilities = new Float64Array(scores.length)
      softmax(scores, probabilities, 0)
      for (let m = 0; m < past.keys; m += 1)
        addScaled(out, here, pastV, past.key(b, m, h), width, at(probabilities, m))
      for (let t = 0; t <= s; t += 1)
        addScaled(out, here, v, key(b, t, h), width, at(probabilities, past.keys + t))
    })
  },
} satisfies Partial<Kernels>

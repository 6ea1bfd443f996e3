// Every op in plain TypeScript, as its definition in ir/types.ts reads: slow, and the truth the backends are held to.
// One kernel per op: an omitted op does not compile. Legend of dimension letters: see ir/types.ts.
import type { OpKind, OpTable, Value } from '../ir/types.ts'

/** Row-major numbers; whole numbers are held exactly as floats. */
export interface DenseArray {
  readonly shape: readonly number[]
  readonly data: Float64Array | Float32Array
}

/** Zeroed results of a node in float64, for its kernel to fill. */
export interface DenseResult {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

type Filled<Tuple> = {
  readonly [Index in keyof Tuple]: Tuple[Index] extends Value
    ? DenseArray
    : Tuple[Index] extends Value | null
      ? DenseArray | null
      : never
}

type Results<Tuple> = { readonly [Index in keyof Tuple]: DenseResult }

type Kernels = {
  readonly [K in OpKind]: (
    inputs: Filled<OpTable[K]['inputs']>,
    results: Results<OpTable[K]['outputs']>,
    attributes: Readonly<OpTable[K]['attributes']>,
  ) => void
}

/** Reads a cell that the shapes guarantee to exist. */
const at = (data: ArrayLike<number>, index: number): number => data[index] as number

function increase(data: Float64Array, index: number, by: number): void {
  data[index] = at(data, index) + by
}

const lastDim = (array: { readonly shape: readonly number[] }): number => array.shape.at(-1) ?? 1
const dim = (array: { readonly shape: readonly number[] }, axis: number): number => array.shape[axis] ?? 1

/** Rows of an array seen as [rows, last dimension]. */
const rowCount = (array: DenseArray): number => array.data.length / Math.max(1, lastDim(array))

function indexAt(indices: DenseArray, position: number, size: number, what: string): number {
  const index = at(indices.data, position)
  if (index >= 0 && index < size) return index
  throw new RangeError(`${what} ${index} is not below ${size}`)
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Geometry of attention: query head h reads key/value head floor(h / (H/K)). */
function heads(q: DenseArray, a: { readonly heads: number; readonly kvHeads: number }) {
  const [rows, positions] = [dim(q, 0), dim(q, 1)]
  const width = lastDim(q) / a.heads
  const group = a.heads / a.kvHeads
  const query = (b: number, s: number, h: number): number => ((b * positions + s) * a.heads + h) * width
  const key = (b: number, s: number, h: number): number =>
    ((b * positions + s) * a.kvHeads + Math.floor(h / group)) * width
  const prob = (b: number, h: number, s: number): number => ((b * a.heads + h) * positions + s) * positions
  return { rows, positions, width, query, key, prob }
}

function dot(a: DenseArray, aStart: number, b: DenseArray, bStart: number, width: number): number {
  let sum = 0
  for (let i = 0; i < width; i += 1) sum += at(a.data, aStart + i) * at(b.data, bStart + i)
  return sum
}

/** target[start..] += factor * source[from..] */
function addScaled(
  target: DenseResult,
  start: number,
  source: DenseArray,
  from: number,
  width: number,
  factor: number,
): void {
  for (let i = 0; i < width; i += 1) increase(target.data, start + i, factor * at(source.data, from + i))
}

/** Writes softmax(scores) into `out` from `start` on; returns log of the sum of exponentials. */
function softmax(scores: ArrayLike<number>, out: Float64Array, start: number): number {
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < scores.length; i += 1) highest = Math.max(highest, at(scores, i))
  let sum = 0
  for (let i = 0; i < scores.length; i += 1) {
    const power = Math.exp(at(scores, i) - highest)
    out[start + i] = power
    sum += power
  }
  for (let i = 0; i < scores.length; i += 1) out[start + i] = at(out, start + i) / sum
  return highest + Math.log(sum)
}

export const kernels: Kernels = {
  embedding([table, ids], [y]) {
    const width = lastDim(table)
    for (let i = 0; i < ids.data.length; i += 1)
      addScaled(y, i * width, table, indexAt(ids, i, dim(table, 0), 'token') * width, width, 1)
  },

  embeddingBackward([dy, ids], [dTable], { vocabulary }) {
    const width = lastDim(dy)
    for (let i = 0; i < ids.data.length; i += 1)
      addScaled(dTable, indexAt(ids, i, vocabulary, 'token') * width, dy, i * width, width, 1)
  },

  linear([x, weight, addend], [y], { scale }) {
    const [outputs, inputs] = [dim(weight, 0), dim(weight, 1)]
    const isVector = addend?.shape.length === 1
    for (let row = 0; row < rowCount(x); row += 1)
      for (let o = 0; o < outputs; o += 1) {
        const sum = dot(x, row * inputs, weight, o * inputs, inputs)
        const plus = addend ? at(addend.data, isVector ? o : row * outputs + o) : 0
        y.data[row * outputs + o] = scale * sum + plus
      }
  },

  linearInputBackward([dy, weight, addend], [dx], { scale }) {
    const [outputs, inputs] = [dim(weight, 0), dim(weight, 1)]
    if (addend) dx.data.set(addend.data)
    for (let row = 0; row < rowCount(dy); row += 1)
      for (let o = 0; o < outputs; o += 1)
        addScaled(dx, row * inputs, weight, o * inputs, inputs, scale * at(dy.data, row * outputs + o))
  },

  linearWeightBackward([dy, x], [dWeight], { scale }) {
    const [outputs, inputs] = [lastDim(dy), lastDim(x)]
    for (let row = 0; row < rowCount(x); row += 1)
      for (let o = 0; o < outputs; o += 1)
        addScaled(dWeight, o * inputs, x, row * inputs, inputs, scale * at(dy.data, row * outputs + o))
  },

  sumLeading([x], [sum]) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) addScaled(sum, 0, x, row * width, width, 1)
  },

  rmsNorm([x, weight], [y, invStd], { epsilon }) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) {
      const start = row * width
      const inverse = 1 / Math.sqrt(dot(x, start, x, start, width) / width + epsilon)
      invStd.data[row] = inverse
      for (let i = 0; i < width; i += 1)
        y.data[start + i] = at(x.data, start + i) * inverse * at(weight.data, i)
    }
  },

  // dx = r (g - x r^2 mean(g x)) with g = dy weight and r = invStd
  rmsNormBackward([dy, x, weight, invStd], [dx]) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) {
      const start = row * width
      const inverse = at(invStd.data, row)
      let mean = 0
      for (let i = 0; i < width; i += 1)
        mean += (at(dy.data, start + i) * at(weight.data, i) * at(x.data, start + i)) / width
      for (let i = 0; i < width; i += 1) {
        const scaled = at(dy.data, start + i) * at(weight.data, i)
        dx.data[start + i] = inverse * (scaled - at(x.data, start + i) * inverse * inverse * mean)
      }
    }
  },

  rmsNormWeightBackward([dy, x, invStd], [dWeight]) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1)
      for (let i = 0; i < width; i += 1) {
        const cell = row * width + i
        increase(dWeight.data, i, at(dy.data, cell) * at(x.data, cell) * at(invStd.data, row))
      }
  },

  rope([x, positions, cos, sin], [y], { heads: headCount, inverse }) {
    const width = lastDim(x) / headCount
    const half = width / 2
    const sign = inverse ? -1 : 1
    for (let place = 0; place < positions.data.length; place += 1) {
      const table = indexAt(positions, place, dim(cos, 0), 'position') * half
      for (let h = 0; h < headCount; h += 1)
        for (let i = 0; i < half; i += 1) {
          const first = (place * headCount + h) * width + i
          const [a, b] = [at(x.data, first), at(x.data, first + half)]
          const [c, s] = [at(cos.data, table + i), sign * at(sin.data, table + i)]
          y.data[first] = a * c - b * s
          y.data[first + half] = b * c + a * s
        }
    }
  },

  attention([q, k, v, mask], [out, probs], attributes) {
    const { rows, positions, width, query, key, prob } = heads(q, attributes)
    const scores = new Float64Array(positions)
    for (let b = 0; b < rows; b += 1)
      for (let h = 0; h < attributes.heads; h += 1)
        for (let s = 0; s < positions; s += 1) {
          for (let t = 0; t < positions; t += 1) {
            const hidden = attributes.causal && t > s
            const extra = mask ? at(mask.data, (b * positions + s) * positions + t) : 0
            const score = attributes.scale * dot(q, query(b, s, h), k, key(b, t, h), width) + extra
            scores[t] = hidden ? Number.NEGATIVE_INFINITY : score
          }
          softmax(scores, probs.data, prob(b, h, s))
          for (let t = 0; t < positions; t += 1)
            addScaled(out, query(b, s, h), v, key(b, t, h), width, at(probs.data, prob(b, h, s) + t))
        }
  },

  rememberingAttention([q, k, v, pastK, pastV, pastMask], [out], attributes) {
    const { rows, positions, width, query, key } = heads(q, attributes)
    const remembered = dim(pastK, 1)
    const past = heads(pastK, { heads: attributes.kvHeads, kvHeads: attributes.kvHeads })
    const group = attributes.heads / attributes.kvHeads
    for (let b = 0; b < rows; b += 1)
      for (let h = 0; h < attributes.heads; h += 1)
        for (let s = 0; s < positions; s += 1) {
          const scores = new Float64Array(remembered + s + 1)
          const pastKey = (m: number): number => past.key(b, m, Math.floor(h / group))
          for (let m = 0; m < remembered; m += 1)
            scores[m] =
              attributes.scale * dot(q, query(b, s, h), pastK, pastKey(m), width) +
              at(pastMask.data, b * remembered + m)
          for (let t = 0; t <= s; t += 1)
            scores[remembered + t] = attributes.scale * dot(q, query(b, s, h), k, key(b, t, h), width)
          const probs = new Float64Array(scores.length)
          softmax(scores, probs, 0)
          for (let m = 0; m < remembered; m += 1)
            addScaled(out, query(b, s, h), pastV, pastKey(m), width, at(probs, m))
          for (let t = 0; t <= s; t += 1)
            addScaled(out, query(b, s, h), v, key(b, t, h), width, at(probs, remembered + t))
        }
  },

  // With P the probabilities: dV = P^T dO, dP = dO V^T, dScores = P (dP - sum_t dP P), dQ = scale dScores K, dK alike
  attentionBackward([dOut, q, k, v, probs], [dq, dk, dv], attributes) {
    const { rows, positions, width, query, key, prob } = heads(q, attributes)
    const dProbs = new Float64Array(positions)
    for (let b = 0; b < rows; b += 1)
      for (let h = 0; h < attributes.heads; h += 1)
        for (let s = 0; s < positions; s += 1) {
          const row = prob(b, h, s)
          const here = query(b, s, h)
          let mean = 0
          for (let t = 0; t < positions; t += 1) {
            dProbs[t] = dot(dOut, here, v, key(b, t, h), width)
            mean += at(dProbs, t) * at(probs.data, row + t)
          }
          for (let t = 0; t < positions; t += 1) {
            const p = at(probs.data, row + t)
            const dScore = attributes.scale * p * (at(dProbs, t) - mean)
            addScaled(dv, key(b, t, h), dOut, here, width, p)
            addScaled(dq, here, k, key(b, t, h), width, dScore)
            addScaled(dk, key(b, t, h), q, here, width, dScore)
          }
        }
  },

  swiglu([gate, up], [y]) {
    for (let i = 0; i < y.data.length; i += 1) {
      const g = at(gate.data, i)
      y.data[i] = g * sigmoid(g) * at(up.data, i)
    }
  },

  // silu'(g) = sigmoid(g) (1 + g (1 - sigmoid(g)))
  swigluBackward([dy, gate, up], [dGate, dUp]) {
    for (let i = 0; i < dy.data.length; i += 1) {
      const [d, g] = [at(dy.data, i), at(gate.data, i)]
      const s = sigmoid(g)
      dGate.data[i] = d * at(up.data, i) * s * (1 + g * (1 - s))
      dUp.data[i] = d * g * s
    }
  },

  add([a, b], [sum]) {
    for (let i = 0; i < sum.data.length; i += 1) sum.data[i] = at(a.data, i) + at(b.data, i)
  },

  gatherRows([x, rows], [y]) {
    const width = lastDim(x)
    for (let i = 0; i < rows.data.length; i += 1)
      addScaled(y, i * width, x, indexAt(rows, i, rowCount(x), 'row') * width, width, 1)
  },

  gatherRowsBackward([dy, rows], [dx]) {
    const width = lastDim(dx)
    const places = dx.data.length / Math.max(1, width)
    for (let i = 0; i < rows.data.length; i += 1)
      addScaled(dx, indexAt(rows, i, places, 'row') * width, dy, i * width, width, 1)
  },

  softmaxCrossEntropy([logits, targets, weights], [losses, dLogits]) {
    const width = lastDim(logits)
    for (let row = 0; row < targets.data.length; row += 1) {
      const start = row * width
      const scores = logits.data.subarray(start, start + width)
      const target = indexAt(targets, row, width, 'target')
      const weight = at(weights.data, row)
      const logSum = softmax(scores, dLogits.data, start)
      losses.data[row] = weight * (logSum - at(scores, target))
      increase(dLogits.data, start + target, -1)
      for (let i = start; i < start + width; i += 1) dLogits.data[i] = weight * at(dLogits.data, i)
    }
  },

  multiplyRows([x, factors], [y]) {
    const width = lastDim(x)
    for (let i = 0; i < y.data.length; i += 1)
      y.data[i] = at(x.data, i) * at(factors.data, Math.floor(i / width))
  },

  ones(_inputs, [y]) {
    y.data.fill(1)
  },

  tie([x], [y]) {
    y.data.set(x.data)
  },
}

// Shapes of rotary embedding and of attention in its forms.
import type { AttentionAttributes, OpTable, Value } from '../types.ts'
import {
  dimAt,
  float,
  lastDim,
  leading,
  require,
  requireAttribute,
  requireFloats,
  requireShape,
  requireWhole,
  sameShape,
  type TypeRules,
} from './checks.ts'

function requireHeads(value: Value, heads: number): number {
  const width = lastDim(value)
  const headWidth = typeof width === 'number' ? width / heads : Number.NaN
  require(value.shape.length === 3 && Number.isInteger(headWidth), `[B,S,${heads}*D]`, value)
  return headWidth
}

type Sharing = Pick<AttentionAttributes, 'heads' | 'kvHeads' | 'softCap'>

/** Queries and keys of the same rows, in heads of the same width; values as keys. */
function requireQueriesAndKeys(q: Value, k: Value, v: Value, a: Sharing): void {
  requireFloats(q, k, v)
  const headWidth = requireHeads(q, a.heads)
  require(requireHeads(k, a.kvHeads) === headWidth, `key heads as wide as query heads (${headWidth})`, q, k)
  require(a.heads % a.kvHeads === 0, `${a.heads} query heads divisible by ${a.kvHeads} key heads`, q, k)
  require(dimAt(q, 0) === dimAt(k, 0), 'the same rows', q, k)
  requireShape(v, k.shape)
  requireAttribute(a.softCap === null || a.softCap > 0, 'a soft cap above 0', a.softCap)
}

function requireOperands(
  [q, k, v, querySegments, keySegments, mask, bias]: Readonly<OpTable['attention']['inputs']>,
  attributes: AttentionAttributes,
): void {
  requireQueriesAndKeys(q, k, v, attributes)
  const [rows, queries, keys] = [dimAt(q, 0), dimAt(q, 1), dimAt(k, 1)]
  const { causal, window, heads, sharesStart } = attributes
  require(!causal || queries === keys, 'as many keys as queries where attention is causal', q, k)
  requireAttribute(
    window === null || (Number.isInteger(window) && window > 0),
    'a window of at least 1',
    window,
  )
  require((querySegments === null) ===
    (keySegments === null), 'segments of queries and of keys, or of neither', querySegments, keySegments)
  if (querySegments) requireWhole(querySegments, 2)
  if (querySegments) requireShape(querySegments, [rows, queries])
  if (keySegments) requireWhole(keySegments, 2)
  if (keySegments) requireShape(keySegments, [rows, keys])
  const isPlain = causal && window === null && !mask && !bias
  require(!sharesStart ||
    (isPlain &&
      querySegments !== null &&
      querySegments ===
        keySegments), 'a shared start of causal segments only, without window, mask and bias', querySegments, keySegments, mask, bias)
  requireFloats(mask, bias)
  if (mask) requireShape(mask, [rows, queries, keys])
  if (bias) requireShape(bias, [queries, keys, heads])
}

function requireForBackward(
  [dOut, out, logSumExp, ...forward]: Readonly<OpTable['attentionBackward']['inputs']>,
  attributes: AttentionAttributes,
): void {
  requireOperands(forward, attributes)
  const [q] = forward
  requireFloats(dOut, out, logSumExp)
  requireShape(dOut, q.shape)
  requireShape(out, q.shape)
  requireShape(logSumExp, [dimAt(q, 0), attributes.heads, dimAt(q, 1)])
}

export const attentionTypes = {
  rope: ([x, positions, cos, sin], { heads }) => {
    requireFloats(x, cos, sin)
    requireWhole(positions, 2)
    require(sameShape(positions.shape, leading(x)), 'positions [B,S] for x [B,S,H*D]', x, positions)
    const headWidth = requireHeads(x, heads)
    const half = cos.shape.length === 2 ? Number(lastDim(cos)) : Number.NaN
    require(2 * half <= headWidth, `tables [P,R/2] with R at most ${headWidth}`, cos)
    requireShape(sin, cos.shape)
    return [float(...x.shape)]
  },
  attention: (inputs, attributes) => {
    requireOperands(inputs, attributes)
    const [q] = inputs
    return [float(...q.shape), float(dimAt(q, 0), attributes.heads, dimAt(q, 1))]
  },
  attentionBackward: (inputs, attributes) => {
    requireForBackward(inputs, attributes)
    const [, , , q, k, v] = inputs
    return [float(...q.shape), float(...k.shape), float(...v.shape)]
  },
  attentionBiasBackward: (inputs, attributes) => {
    requireForBackward(inputs, attributes)
    const [, , , q, k, , , , , bias] = inputs
    require(bias !== null, 'a bias to differentiate by', bias)
    return [float(dimAt(q, 1), dimAt(k, 1), attributes.heads)]
  },
  rememberingAttention: ([q, k, v, pastK, pastV, pastMask], attributes) => {
    requireQueriesAndKeys(q, k, v, attributes)
    require(dimAt(q, 1) === dimAt(k, 1), 'the same positions', q, k)
    requireFloats(pastK, pastV, pastMask)
    requireShape(pastK, [dimAt(q, 0), dimAt(pastK, 1), lastDim(k)])
    requireShape(pastV, pastK.shape)
    requireShape(pastMask, leading(pastK))
    return [float(...q.shape)]
  },
} satisfies Partial<TypeRules>

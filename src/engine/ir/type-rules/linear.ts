// Shapes of tables, matrix products and sums.
import type { Dim } from '../types.ts'
import {
  dimAt,
  float,
  lastDim,
  leading,
  require,
  requireFloats,
  requireShape,
  requireWhole,
  sameShape,
  type TypeRules,
} from './checks.ts'

export const linearTypes = {
  embedding: ([table, ids]) => {
    requireFloats(table)
    requireWhole(ids, 2)
    require(table.shape.length === 2, 'a table [V,C]', table)
    return [float(...ids.shape, lastDim(table))]
  },
  embeddingBackward: ([dy, ids], { vocabulary }) => {
    requireFloats(dy)
    requireWhole(ids, 2)
    requireShape(dy, [...ids.shape, lastDim(dy)])
    return [float(vocabulary, lastDim(dy))]
  },
  linear: ([x, weight, addend]) => {
    requireFloats(x, weight, addend)
    require(weight.shape.length === 2 &&
      dimAt(weight, 1) === lastDim(x), 'x [...,I], weight [O,I]', x, weight)
    const shape: readonly Dim[] = [...leading(x), dimAt(weight, 0)]
    if (addend) requireShape(addend, addend.shape.length === 1 ? shape.slice(-1) : shape)
    return [float(...shape)]
  },
  linearInputBackward: ([dy, weight, addend]) => {
    requireFloats(dy, weight, addend)
    require(weight.shape.length === 2 &&
      dimAt(weight, 0) === lastDim(dy), 'dy [...,O], weight [O,I]', dy, weight)
    const shape: readonly Dim[] = [...leading(dy), dimAt(weight, 1)]
    if (addend) requireShape(addend, addend.shape.length === 1 ? shape.slice(-1) : shape)
    return [float(...shape)]
  },
  linearWeightBackward: ([dy, x]) => {
    requireFloats(dy, x)
    require(sameShape(leading(dy), leading(x)), 'dy [...,O] and x [...,I] with the same leading dims', dy, x)
    return [float(lastDim(dy), lastDim(x))]
  },
  sumLeading: ([x]) => {
    requireFloats(x)
    return [float(lastDim(x))]
  },
  adaptedRowNorms: ([weight, a, b], { isInputFirst }) => {
    requireFloats(weight, a, b)
    require(weight.shape.length === 2 && a.shape.length === 2, 'weight [O,I], a [r,I]', weight, a)
    const [outputs, inputs] = isInputFirst ? [1, 0] : [0, 1]
    requireShape(a, [dimAt(a, 0), dimAt(weight, inputs)])
    requireShape(b, [dimAt(weight, outputs), dimAt(a, 0)])
    return [float(dimAt(weight, outputs))]
  },
  weightedSum: ([x, weights]) => {
    requireFloats(x, weights)
    require(x.shape.length === 3, 'x [B,S,C]', x)
    requireShape(weights, leading(x))
    return [float(dimAt(x, 0), lastDim(x))]
  },
  weightedSumBackward: ([dy, weights]) => {
    requireFloats(dy, weights)
    require(dy.shape.length === 2 && weights.shape.length === 2, 'dy [B,C], weights [B,S]', dy, weights)
    require(dimAt(dy, 0) === dimAt(weights, 0), 'the same rows', dy, weights)
    return [float(...weights.shape, lastDim(dy))]
  },
} satisfies Partial<TypeRules>

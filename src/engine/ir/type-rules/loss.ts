// Shapes from hidden states to losses: labelled rows, cross-entropy.
import {
  dimAt,
  float,
  lastDim,
  require,
  requireAttribute,
  requireFloats,
  requireShape,
  requireWhole,
  type TypeRules,
} from './checks.ts'

export const lossTypes = {
  gatherRows: ([x, rows]) => {
    requireFloats(x)
    requireWhole(rows, 1)
    require(x.shape.length === 3, 'x [B,S,C]', x)
    return [float(dimAt(rows, 0), lastDim(x))]
  },
  gatherRowsBackward: ([dy, rows, like]) => {
    requireFloats(dy)
    requireWhole(rows, 1)
    require(like.shape.length === 3, 'like [B,S,C]', like)
    requireShape(dy, [dimAt(rows, 0), lastDim(like)])
    return [float(...like.shape)]
  },
  softmaxCrossEntropy: ([logits, targets, weights], { smoothing }) => {
    requireFloats(logits, weights)
    requireWhole(targets, 1)
    require(logits.shape.length === 2, 'logits [L,V]', logits)
    requireShape(targets, [dimAt(logits, 0)])
    requireShape(weights, targets.shape)
    requireAttribute(smoothing >= 0 && smoothing < 1, 'smoothing of at least 0 and below 1', smoothing)
    return [float(dimAt(logits, 0)), float(...logits.shape)]
  },
  multiplyRows: ([x, factors]) => {
    requireFloats(x, factors)
    require(x.shape.length === 2, 'x [L,V]', x)
    requireShape(factors, [dimAt(x, 0)])
    return [float(...x.shape)]
  },
} satisfies Partial<TypeRules>

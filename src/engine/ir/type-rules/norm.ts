// Shapes of root-mean-square and layer norms.
import { float, lastDim, leading, requireFloats, requireShape, type TypeRules } from './checks.ts'

export const normTypes = {
  rmsNorm: ([x, weight]) => {
    requireFloats(x, weight)
    requireShape(weight, [lastDim(x)])
    return [float(...x.shape), float(...leading(x), 1)]
  },
  rmsNormBackward: ([dy, x, weight, invStd]) => {
    requireFloats(dy, x, weight, invStd)
    requireShape(dy, x.shape)
    requireShape(weight, [lastDim(x)])
    requireShape(invStd, [...leading(x), 1])
    return [float(...x.shape)]
  },
  rmsNormWeightBackward: ([dy, x, invStd]) => {
    requireFloats(dy, x, invStd)
    requireShape(dy, x.shape)
    requireShape(invStd, [...leading(x), 1])
    return [float(lastDim(x))]
  },
  layerNorm: ([x, weight, bias]) => {
    requireFloats(x, weight, bias)
    requireShape(weight, [lastDim(x)])
    if (bias) requireShape(bias, [lastDim(x)])
    return [float(...x.shape), float(...leading(x), 1), float(...leading(x), 1)]
  },
  layerNormBackward: ([dy, x, weight, mean, invStd]) => {
    requireFloats(dy, x, weight, mean, invStd)
    requireShape(dy, x.shape)
    requireShape(weight, [lastDim(x)])
    requireShape(mean, [...leading(x), 1])
    requireShape(invStd, mean.shape)
    return [float(...x.shape)]
  },
  layerNormWeightBackward: ([dy, x, mean, invStd]) => {
    requireFloats(dy, x, mean, invStd)
    requireShape(dy, x.shape)
    requireShape(mean, [...leading(x), 1])
    requireShape(invStd, mean.shape)
    return [float(lastDim(x))]
  },
} satisfies Partial<TypeRules>

// Derivatives of root-mean-square and layer norms.
import { gradientOf, refuseResult, share, type VjpRules } from './vjp.ts'

export const normVjps = {
  rmsNorm: (context, node, gradients) => {
    const [x, weight] = node.inputs
    const invStd = node.outputs[1]
    const { offset } = node.attributes
    const { builder, gradientName } = context
    refuseResult(node, gradients, 1)
    const dy = gradientOf(node, gradients, 0)
    return [
      share(
        context,
        x,
        () => builder.add('rmsNormBackward', [dy, x, weight, invStd], { offset }, gradientName(x))[0],
      ),
      share(
        context,
        weight,
        () => builder.add('rmsNormWeightBackward', [dy, x, invStd], {}, gradientName(weight))[0],
      ),
    ]
  },

  layerNorm: (context, node, gradients) => {
    const [x, weight, bias] = node.inputs
    const [, mean, invStd] = node.outputs
    const { builder, gradientName } = context
    for (const index of [1, 2]) refuseResult(node, gradients, index)
    const dy = gradientOf(node, gradients, 0)
    return [
      share(
        context,
        x,
        () => builder.add('layerNormBackward', [dy, x, weight, mean, invStd], {}, gradientName(x))[0],
      ),
      share(
        context,
        weight,
        () => builder.add('layerNormWeightBackward', [dy, x, mean, invStd], {}, gradientName(weight))[0],
      ),
      bias && share(context, bias, () => builder.add('sumLeading', [dy], {}, gradientName(bias))[0]),
    ]
  },

  rmsNormBackward: 'refused',
  rmsNormWeightBackward: 'refused',
  layerNormBackward: 'refused',
  layerNormWeightBackward: 'refused',
} satisfies Partial<VjpRules>

// Derivatives of rotary embedding and of attention.
import type { OpTable, Value } from '../../ir/types.ts'
import { gradientOf, once, refuseResult, share, type VjpRules } from './vjp.ts'

export const attentionVjps = {
  rope: (context, node, gradients) => {
    const [x, positions, cos, sin] = node.inputs
    const { heads, inverse } = node.attributes
    const dy = gradientOf(node, gradients, 0)
    const attributes = { heads, inverse: !inverse }
    const rotateBack = (): Value =>
      context.builder.add('rope', [dy, positions, cos, sin], attributes, context.gradientName(x))[0]
    return [share(context, x, rotateBack), null, null, null]
  },

  attention: (context, node, gradients) => {
    const [q, k, v, , , , bias] = node.inputs
    const { builder, gradientName } = context
    refuseResult(node, gradients, 1)
    const dOut = gradientOf(node, gradients, 0)
    const inputs: OpTable['attentionBackward']['inputs'] = [dOut, ...node.outputs, ...node.inputs]
    const backward = once(() =>
      builder.add('attentionBackward', inputs, node.attributes, ...[q, k, v].map(gradientName)),
    )
    const toBias = (operand: Value): Value =>
      builder.add('attentionBiasBackward', inputs, node.attributes, gradientName(operand))[0]
    return [
      share(context, q, () => backward()[0]),
      share(context, k, () => backward()[1]),
      share(context, v, () => backward()[2]),
      null,
      null,
      null,
      bias && share(context, bias, () => toBias(bias)),
    ]
  },

  attentionBackward: 'refused',
  attentionBiasBackward: 'refused',
  rememberingAttention: 'refused',
} satisfies Partial<VjpRules>

// Derivatives from losses to hidden states.
import type { Value } from '../../ir/types.ts'
import { gradientOf, refuseResult, share, type VjpRules } from './vjp.ts'

export const lossVjps = {
  gatherRows: (context, node, gradients) => {
    const [x, rows] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const scatter = (): Value =>
      context.builder.add('gatherRowsBackward', [dy, rows, x], {}, context.gradientName(x))[0]
    return [share(context, x, scatter), null]
  },

  softmaxCrossEntropy: (context, node, gradients) => {
    const [logits] = node.inputs
    const dLogits = node.outputs[1]
    refuseResult(node, gradients, 1)
    const dLosses = gradientOf(node, gradients, 0)
    const isSeed = context.builder.producerOf(dLosses)?.kind === 'ones'
    const toLogits = (): Value =>
      isSeed
        ? dLogits
        : context.builder.add('multiplyRows', [dLogits, dLosses], {}, context.gradientName(logits))[0]
    return [share(context, logits, toLogits), null, null]
  },

  multiplyRows: (context, node, gradients) => {
    const [x, factors] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const toRows = (): Value =>
      context.builder.add('multiplyRows', [dy, factors], {}, context.gradientName(x))[0]
    return [share(context, x, toRows), null]
  },

  gatherRowsBackward: 'refused',
} satisfies Partial<VjpRules>

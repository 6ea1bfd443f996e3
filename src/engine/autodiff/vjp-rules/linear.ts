// Derivatives of tables, matrix products and sums.
import { GraphError } from '../../ir/type-rules.ts'
import type { Value } from '../../ir/types.ts'
import { type Contribution, gradientOf, share, type VjpContext, type VjpRules } from './vjp.ts'

/** The share of what was added to a product: a vector was added to every row. */
const addendShare = (context: VjpContext, addend: Value, dy: Value): Contribution =>
  share(context, addend, () =>
    addend.shape.length === 1
      ? context.builder.add('sumLeading', [dy], {}, context.gradientName(addend))[0]
      : dy,
  )

export const linearVjps = {
  embedding: (context, node, gradients) => {
    const [table, ids] = node.inputs
    const vocabulary = table.shape[0]
    const make = (): Value => {
      if (typeof vocabulary !== 'number') throw new GraphError('embedding: a trained table has a fixed size')
      const dy = gradientOf(node, gradients, 0)
      const name = context.gradientName(table)
      return context.builder.add('embeddingBackward', [dy, ids], { vocabulary }, name)[0]
    }
    return [share(context, table, make), null]
  },

  linear: (context, node, gradients) => {
    const [x, weight, addend] = node.inputs
    const { builder, gradientName } = context
    const { scale } = node.attributes
    const dy = gradientOf(node, gradients, 0)
    const toInput: Contribution = (pending) =>
      builder.add('linearInputBackward', [dy, weight, pending], { scale }, gradientName(x))[0]
    const toWeight = (): Value =>
      builder.add('linearWeightBackward', [dy, x], { scale }, gradientName(weight))[0]
    return [toInput, share(context, weight, toWeight), addend && addendShare(context, addend, dy)]
  },

  // y = scale x W with W [O,I] used the other way round: its weight's gradient has the operands changed over.
  linearInputBackward: (context, node, gradients) => {
    const [x, weight, addend] = node.inputs
    const { builder, gradientName } = context
    const { scale } = node.attributes
    const dy = gradientOf(node, gradients, 0)
    const toInput: Contribution = (pending) =>
      builder.add('linear', [dy, weight, pending], { scale }, gradientName(x))[0]
    const toWeight = (): Value =>
      builder.add('linearWeightBackward', [x, dy], { scale }, gradientName(weight))[0]
    return [toInput, share(context, weight, toWeight), addend && addendShare(context, addend, dy)]
  },

  weightedSum: (context, node, gradients) => {
    const [x, weights] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const spread = (): Value =>
      context.builder.add('weightedSumBackward', [dy, weights], {}, context.gradientName(x))[0]
    return [share(context, x, spread), null]
  },

  adaptedRowNorms: () => [null, null, null],

  // A sum over leading dimensions appears only as a bias gradient; second derivatives are not computed.
  sumLeading: 'refused',
  embeddingBackward: 'refused',
  linearWeightBackward: 'refused',
  weightedSumBackward: 'refused',
} satisfies Partial<VjpRules>

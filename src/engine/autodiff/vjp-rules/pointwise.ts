// Derivatives of what works number by number, and of views and cuts along the last dimension.
import { GraphError } from '../../ir/type-rules.ts'
import type { Value } from '../../ir/types.ts'
import { gradientOf, once, share, type VjpContext, type VjpRules } from './vjp.ts'

/** The gradients of all parts of a whole, with zeros for parts that no loss depends on. */
function gradientsOfParts(
  context: VjpContext,
  parts: readonly Value[],
  gradients: readonly (Value | null)[],
): [Value, ...Value[]] {
  const [first, ...rest] = parts.map(
    (part, index) =>
      gradients[index] ?? context.builder.add('scale', [part], { factor: 0 }, context.gradientName(part))[0],
  )
  if (!first) throw new GraphError('slices: no part')
  return [first, ...rest]
}

const fixedSize = (value: Value, axis: number): number => {
  const size = value.shape.at(axis)
  if (typeof size !== 'number') throw new GraphError(`${value.name}: dimension ${axis} has no fixed size`)
  return size
}

export const pointwiseVjps = {
  activation: (context, node, gradients) => {
    const [x] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const toInput = (): Value =>
      context.builder.add('activationBackward', [dy, x], node.attributes, context.gradientName(x))[0]
    return [share(context, x, toInput)]
  },

  gatedActivation: (context, node, gradients) => {
    const [gate, up] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const names = [gate, up].map(context.gradientName)
    const backward = once(() =>
      context.builder.add('gatedActivationBackward', [dy, gate, up], node.attributes, ...names),
    )
    return [share(context, gate, () => backward()[0]), share(context, up, () => backward()[1])]
  },

  scale: (context, node, gradients) => {
    const [x] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const toInput = (): Value =>
      context.builder.add('scale', [dy], node.attributes, context.gradientName(x))[0]
    return [share(context, x, toInput)]
  },

  softCap: (context, node, gradients) => {
    const [x] = node.inputs
    const [y] = node.outputs
    const dy = gradientOf(node, gradients, 0)
    const toInput = (): Value =>
      context.builder.add('softCapBackward', [dy, y], node.attributes, context.gradientName(x))[0]
    return [share(context, x, toInput)]
  },

  multiply: (context, node, gradients) => {
    const [a, b] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const times = (other: Value, operand: Value) => (): Value =>
      context.builder.add('multiply', [dy, other], {}, context.gradientName(operand))[0]
    return [share(context, a, times(b, a)), share(context, b, times(a, b))]
  },

  multiplyColumns: (context, node, gradients) => {
    const [x, factors] = node.inputs
    const { builder, gradientName } = context
    const dy = gradientOf(node, gradients, 0)
    const toColumns = (): Value => builder.add('multiplyColumns', [dy, factors], {}, gradientName(x))[0]
    const toFactors = (): Value =>
      builder.add('multiplyColumnsBackward', [dy, x], {}, gradientName(factors))[0]
    return [share(context, x, toColumns), share(context, factors, toFactors)]
  },

  divideByConstants: (context, node, gradients) => {
    const [a, constants] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const toDividend = (): Value =>
      context.builder.add('divideByConstants', [dy, constants], {}, context.gradientName(a))[0]
    return [share(context, a, toDividend), null]
  },

  add: (context, node, gradients) => {
    const [a, b] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    return [share(context, a, () => dy), share(context, b, () => dy)]
  },

  splitLast: (context, node, gradients) => {
    const [x] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const merge = (): Value => context.builder.add('mergeLast', [dy], {}, context.gradientName(x))[0]
    return [share(context, x, merge)]
  },

  mergeLast: (context, node, gradients) => {
    const [x] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const split = (): Value =>
      context.builder.add('splitLast', [dy], { parts: fixedSize(x, -2) }, context.gradientName(x))[0]
    return [share(context, x, split)]
  },

  slices: (context, node, gradients) => {
    const [x] = node.inputs
    const join = (): Value => {
      const parts = gradientsOfParts(context, node.outputs, gradients)
      return context.builder.add('concatLast', parts, {}, context.gradientName(x))[0]
    }
    return [share(context, x, join)]
  },

  concatLast: (context, node, gradients) => {
    const parts: readonly Value[] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const cut = once((): readonly Value[] => {
      const widths = parts.map((part) => fixedSize(part, -1))
      return context.builder.add('slices', [dy], { widths }, ...parts.map(context.gradientName))
    })
    return parts.map((part, index) => share(context, part, () => cut()[index]!))
  },

  tie: (context, node, gradients) => {
    const [x, ...dependencies] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    return [share(context, x, () => dy), ...dependencies.map(() => null)]
  },

  ones: () => [null],
  activationBackward: 'refused',
  gatedActivationBackward: 'refused',
  softCapBackward: 'refused',
  multiplyColumnsBackward: 'refused',
} satisfies Partial<VjpRules>

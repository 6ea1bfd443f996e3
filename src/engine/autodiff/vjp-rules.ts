// The derivative of every op: given gradients of its results, what each operand's gradient gains (a vector-Jacobian
// product). One rule per op: an omitted op does not compile. An op without a rule refuses, explicitly.
import type { GraphBuilder } from '../ir/graph-builder.ts'
import { GraphError } from '../ir/type-rules.ts'
import type { OpKind, OpNode, Value } from '../ir/types.ts'

/** Adds one share to an operand's gradient: `pending` is the sum of the shares before it, null for the first. */
type Contribution = (pending: Value | null) => Value

interface VjpContext {
  readonly builder: GraphBuilder
  /** Wish for the name of an operand's gradient. */
  readonly gradientName: (operand: Value) => string
}

/** One entry per operand; null where the op has no derivative there. Called only for operands that need one. */
type Contributions = readonly (Contribution | null)[]

type VjpRule<K extends OpKind> = (
  context: VjpContext,
  node: OpNode<K>,
  /** One per result; null where the loss does not depend on it. */
  gradients: readonly (Value | null)[],
) => Contributions

type VjpRules = { readonly [K in OpKind]: VjpRule<K> | 'refused' }

function gradientOf(node: OpNode, gradients: readonly (Value | null)[], index: number): Value {
  const gradient = gradients[index]
  if (!gradient) throw new GraphError(`${node.kind}: no derivative without the gradient of result ${index}`)
  return gradient
}

/** Refuses a gradient of a result that exists only for the backward pass. */
function refuseResult(node: OpNode, gradients: readonly (Value | null)[], index: number): void {
  if (gradients[index]) throw new GraphError(`${node.kind}: result ${index} is not differentiable`)
}

/** A share that exists as a value already, or is made when it is needed. */
function share(context: VjpContext, operand: Value, make: () => Value): Contribution {
  return (pending) => {
    const value = make()
    if (!pending) return value
    return context.builder.add('add', [pending, value], {}, context.gradientName(operand))[0]
  }
}

/** Makes its value at the first call only: for backward ops with several results. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const vjpRules: VjpRules = {
  embedding: (context, node, gradients) => {
    const [table, ids] = node.inputs
    const vocabulary = table.shape[0]
    const make = (): Value => {
      if (typeof vocabulary !== 'number') throw new GraphError('embedding: a trained table has a fixed size')
      const dy = gradientOf(node, gradients, 0)
      return context.builder.add(
        'embeddingBackward',
        [dy, ids],
        { vocabulary },
        context.gradientName(table),
      )[0]
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
    const toAddend = (operand: Value): Value =>
      operand.shape.length === 1 ? builder.add('sumLeading', [dy], {}, gradientName(operand))[0] : dy
    return [
      toInput,
      share(context, weight, toWeight),
      addend && share(context, addend, () => toAddend(addend)),
    ]
  },

  rmsNorm: (context, node, gradients) => {
    const [x, weight] = node.inputs
    const invStd = node.outputs[1]
    const { builder, gradientName } = context
    refuseResult(node, gradients, 1)
    const dy = gradientOf(node, gradients, 0)
    return [
      share(
        context,
        x,
        () => builder.add('rmsNormBackward', [dy, x, weight, invStd], {}, gradientName(x))[0],
      ),
      share(
        context,
        weight,
        () => builder.add('rmsNormWeightBackward', [dy, x, invStd], {}, gradientName(weight))[0],
      ),
    ]
  },

  rope: (context, node, gradients) => {
    const [x, positions, cos, sin] = node.inputs
    const { heads, inverse } = node.attributes
    const dy = gradientOf(node, gradients, 0)
    const rotateBack = (): Value =>
      context.builder.add(
        'rope',
        [dy, positions, cos, sin],
        { heads, inverse: !inverse },
        context.gradientName(x),
      )[0]
    return [share(context, x, rotateBack), null, null, null]
  },

  attention: (context, node, gradients) => {
    const [q, k, v] = node.inputs
    const probs = node.outputs[1]
    const { heads, kvHeads, scale } = node.attributes
    refuseResult(node, gradients, 1)
    const dOut = gradientOf(node, gradients, 0)
    const backward = once(() =>
      context.builder.add(
        'attentionBackward',
        [dOut, q, k, v, probs],
        { heads, kvHeads, scale },
        ...[q, k, v].map(context.gradientName),
      ),
    )
    return [
      share(context, q, () => backward()[0]),
      share(context, k, () => backward()[1]),
      share(context, v, () => backward()[2]),
      null,
    ]
  },

  swiglu: (context, node, gradients) => {
    const [gate, up] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    const backward = once(() =>
      context.builder.add('swigluBackward', [dy, gate, up], {}, ...[gate, up].map(context.gradientName)),
    )
    return [share(context, gate, () => backward()[0]), share(context, up, () => backward()[1])]
  },

  add: (context, node, gradients) => {
    const [a, b] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    return [share(context, a, () => dy), share(context, b, () => dy)]
  },

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

  tie: (context, node, gradients) => {
    const [x, ...dependencies] = node.inputs
    const dy = gradientOf(node, gradients, 0)
    return [share(context, x, () => dy), ...dependencies.map(() => null)]
  },

  // A constant: nothing flows through it.
  ones: () => [null],
  // A sum over leading dimensions appears only as a bias gradient; second derivatives are not computed.
  sumLeading: 'refused',
  embeddingBackward: 'refused',
  linearInputBackward: 'refused',
  linearWeightBackward: 'refused',
  rmsNormBackward: 'refused',
  rmsNormWeightBackward: 'refused',
  attentionBackward: 'refused',
  rememberingAttention: 'refused',
  swigluBackward: 'refused',
  gatherRowsBackward: 'refused',
}

/** The rule of a node, applied. Throws GraphError for an op that has none. */
export function applyVjp(
  context: VjpContext,
  node: OpNode,
  gradients: readonly (Value | null)[],
): Contributions {
  const rule = vjpRules[node.kind]
  if (rule === 'refused') throw new GraphError(`${node.kind} is not differentiable`)
  // The table gives the rule of the node's own kind.
  return (rule as VjpRule<OpKind>)(context, node as OpNode<OpKind>, gradients)
}

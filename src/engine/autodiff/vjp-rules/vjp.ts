// What derivatives are made of: the type of a rule, and how a share of a gradient is added to those before it.
import type { GraphBuilder } from '../../ir/graph-builder.ts'
import { GraphError } from '../../ir/type-rules.ts'
import type { OpKind, OpNode, Value } from '../../ir/types.ts'

/** Adds one share to an operand's gradient: `pending` is the sum of the shares before it, null for the first. */
export type Contribution = (pending: Value | null) => Value

export interface VjpContext {
  readonly builder: GraphBuilder
  /** Wish for the name of an operand's gradient. */
  readonly gradientName: (operand: Value) => string
}

/** One entry per operand; null where the op has no derivative there. Called only for operands that need one. */
export type Contributions = readonly (Contribution | null)[]

export type VjpRule<K extends OpKind> = (
  context: VjpContext,
  node: OpNode<K>,
  /** One per result; null where the loss does not depend on it. */
  gradients: readonly (Value | null)[],
) => Contributions

export type VjpRules = { readonly [K in OpKind]: VjpRule<K> | 'refused' }

export function gradientOf(node: OpNode, gradients: readonly (Value | null)[], index: number): Value {
  const gradient = gradients[index]
  if (!gradient) throw new GraphError(`${node.kind}: no derivative without the gradient of result ${index}`)
  return gradient
}

/** Refuses a gradient of a result that exists only for the backward pass. */
export function refuseResult(node: OpNode, gradients: readonly (Value | null)[], index: number): void {
  if (gradients[index]) throw new GraphError(`${node.kind}: result ${index} is not differentiable`)
}

/** A share that exists as a value already, or is made when it is needed. */
export function share(context: VjpContext, operand: Value, make: () => Value): Contribution {
  return (pending) => {
    const value = make()
    if (!pending) return value
    return context.builder.add('add', [pending, value], {}, context.gradientName(operand))[0]
  }
}

/** Makes its value at the first call only: for backward ops with several results. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

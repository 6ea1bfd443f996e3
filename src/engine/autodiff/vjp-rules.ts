// The derivative of every op: given gradients of its results, what each operand's gradient gains (a vector-Jacobian
// product). One rule per op: an omitted op does not compile. An op without a rule refuses, explicitly.
import { GraphError } from '../ir/type-rules.ts'
import type { OpKind, OpNode, Value } from '../ir/types.ts'
import { attentionVjps } from './vjp-rules/attention.ts'
import { linearVjps } from './vjp-rules/linear.ts'
import { lossVjps } from './vjp-rules/loss.ts'
import { normVjps } from './vjp-rules/norm.ts'
import { pointwiseVjps } from './vjp-rules/pointwise.ts'
import type { Contributions, VjpContext, VjpRule, VjpRules } from './vjp-rules/vjp.ts'

const vjpRules: VjpRules = {
  ...linearVjps,
  ...normVjps,
  ...attentionVjps,
  ...pointwiseVjps,
  ...lossVjps,
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

/** Operands taken for their shape, for order, or as constants by definition: nothing flows back to them. */
export function isHeldConstant(node: OpNode, operand: number): boolean {
  switch (node.kind) {
    case 'ones':
    case 'adaptedRowNorms':
      return true
    case 'tie':
    case 'divideByConstants':
      return operand > 0
    default:
      return false
  }
}

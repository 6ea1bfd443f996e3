// Shape and dtype of every op's results from its operands. One rule per op: an omitted op does not compile.
import { attentionTypes } from './type-rules/attention.ts'
import { GraphError, type TypeRules, type ValueType } from './type-rules/checks.ts'
import { linearTypes } from './type-rules/linear.ts'
import { lossTypes } from './type-rules/loss.ts'
import { normTypes } from './type-rules/norm.ts'
import { pointwiseTypes } from './type-rules/pointwise.ts'
import type { OpKind, OpNode, OpTable } from './types.ts'

export { describeType, GraphError, sameShape, type ValueType } from './type-rules/checks.ts'

export const typeRules: TypeRules = {
  ...linearTypes,
  ...normTypes,
  ...attentionTypes,
  ...pointwiseTypes,
  ...lossTypes,
}

/** Types of a node's results, re-derived from its operands. */
export function inferTypes<K extends OpKind>(
  kind: K,
  inputs: Readonly<OpTable[K]['inputs']>,
  attributes: Readonly<OpTable[K]['attributes']>,
): readonly ValueType[] {
  try {
    return typeRules[kind](inputs, attributes) as readonly ValueType[]
  } catch (error) {
    if (error instanceof GraphError) throw new GraphError(`${kind}: ${error.message}`)
    throw error
  }
}

/** `inferTypes` for a node whose kind is not known while compiling. */
export function inferNodeTypes(node: OpNode): readonly ValueType[] {
  return inferTypes(
    node.kind,
    node.inputs as Readonly<OpTable[OpKind]['inputs']>,
    node.attributes as Readonly<OpTable[OpKind]['attributes']>,
  )
}

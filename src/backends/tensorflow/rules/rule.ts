// The type of a lowering rule: one op of the engine becomes nodes of TensorFlow, and its results are declared.
import type { OpKind, OpNode } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'

export type RulesFor<K extends OpKind> = { readonly [Kind in K]: (emit: Emitter, node: OpNode<Kind>) => void }

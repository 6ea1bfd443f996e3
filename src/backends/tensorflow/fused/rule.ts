// The type of a rule for one of our own operators: which nodes it computes, how it reads their operands, what it emits.
import type { Dim, Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import type { Need, Needs, Reading } from './needs.ts'
import type { UnmadeSums } from './unmade-sums.ts'

/** What is known before anything is emitted. */
export interface Facts {
  /** How products with frozen weights, and an adapter's with wide inputs, read their operands. */
  readonly wide: 'full' | 'half'
  isTrained(weight: Value): boolean
  /** Frozen weights, which lie in files or in memory. */
  isFrozen(weight: Value): boolean
  /** Results of products in bfloat16, an adapter's part included. */
  isRounded(value: Value): boolean
}

export interface Tools extends Facts {
  readonly emit: Emitter
  readonly sums: UnmadeSums
  readonly needs: Needs
}

export interface FusedRule<K extends OpKind> {
  /** Whether our operator computes this node; by default TensorFlow's do. */
  takes(node: OpNode<K>, facts: Facts): boolean
  /** By default every operand in float32. */
  readings?(node: OpNode<K>, facts: Facts, ofResult: (value: Value) => Need): readonly Reading[]
  lower(node: OpNode<K>, tools: Tools): void
}

export type FusedRules = { readonly [K in OpKind]?: FusedRule<K> }

export function factsOf(graph: Graph, emit: Emitter): Facts {
  const trained = new Set(
    graph.parameters.flatMap(({ value, isTrainable }) => (isTrainable ? [value.id] : [])),
  )
  const isFrozen = (weight: Value): boolean => emit.locationOf(weight) !== null
  const isHalf = emit.products === 'bfloat16'
  const rounded = isHalf ? roundedValues(graph, isFrozen) : new Set()
  return {
    wide: isHalf ? 'half' : 'full',
    isTrained: ({ id }) => trained.has(id),
    isFrozen,
    isRounded: ({ id }) => rounded.has(id),
  }
}

function roundedValues({ nodes }: Graph, isFrozen: Facts['isFrozen']): ReadonlySet<number> {
  const found = new Set<number>()
  for (const node of nodes) {
    if (node.kind !== 'linear' && node.kind !== 'linearInputBackward') continue
    const [, weight, addend] = node.inputs
    if (isFrozen(weight) || (addend && found.has(addend.id))) found.add(node.outputs[0].id)
  }
  return found
}

/** Our operators compute whole vectors of the processor. */
export const isWhole = (width: Dim | undefined): boolean => typeof width === 'number' && width % 16 === 0

/** [..., C], and no vector. */
export const hasWholeRows = ({ shape }: Value): boolean => shape.length >= 2 && isWhole(shape.at(-1))

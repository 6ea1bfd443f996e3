// Lowers to our own operators (kernels/) what TensorFlow does in many passes: which nodes they compute, and by which rule.
// All other nodes stay with the rules of TensorFlow's operators, and read values as if those had made them.
import type { Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import type { NarrowGroup, NarrowProducts } from '../../narrow-groups.ts'
import type { Emitter } from '../emitter.ts'
import { attention, attentionBackward } from './attention-rules.ts'
import { gatedActivation, gatedActivationBackward } from './gated-rules.ts'
import { softmaxCrossEntropy } from './loss-rules.ts'
import { emitGroup, linearWeightBackward, readingsOfGroup, takesGroup } from './narrow-rules.ts'
import { type Need, Needs, type Reading } from './needs.ts'
import { rmsNorm, rmsNormBackward } from './norm-rules.ts'
import { productRules } from './product-rules.ts'
import { rope } from './rope-rules.ts'
import { type Facts, type FusedRule, type FusedRules, factsOf, type Tools } from './rule.ts'
import { add, tie } from './sum-rules.ts'
import { UnmadeSums } from './unmade-sums.ts'

const rules: FusedRules = {
  ...productRules,
  ...{ add, attention, attentionBackward, gatedActivation, gatedActivationBackward, linearWeightBackward },
  ...{ rmsNorm, rmsNormBackward, rope, softmaxCrossEntropy, tie },
}

function ruleOf<K extends OpKind>(node: OpNode<K>, facts: Facts): FusedRule<K> | null {
  const rule = rules[node.kind as K] as FusedRule<K> | undefined
  return rule?.takes(node, facts) ? rule : null
}

function readingsOf(node: OpNode, facts: Facts, ofResult: (value: Value) => Need): readonly Reading[] {
  return ruleOf(node, facts)?.readings?.(node, facts, ofResult) ?? inFloat32(node)
}

const inFloat32 = ({ inputs }: OpNode): readonly Reading[] => inputs.map((): Reading => 'full')

function groupsByNode(narrow: NarrowProducts): ReadonlyMap<OpNode, NarrowGroup> {
  const found = new Map<OpNode, NarrowGroup>()
  for (const group of narrow.values()) for (const node of group?.nodes ?? []) found.set(node, group!)
  return found
}

export class Fused {
  readonly #tools: Tools

  /** `narrow` is `findNarrowProducts` of the graph. */
  constructor(emit: Emitter, graph: Graph, narrow: NarrowProducts) {
    const facts = factsOf(graph, emit)
    const groups = groupsByNode(narrow)
    const needs = new Needs(graph, (node, ofResult) => {
      const group = groups.get(node)
      if (group) return takesGroup(group) ? readingsOfGroup(group, facts) : inFloat32(node)
      return readingsOf(node, facts, ofResult)
    })
    const sums = new UnmadeSums(emit, needs)
    emit.makeLate(sums)
    this.#tools = { ...facts, emit, needs, sums }
  }

  /** False: TensorFlow's operators compute it. */
  lower<K extends OpKind>(node: OpNode<K>): boolean {
    const rule = ruleOf(node, this.#tools)
    rule?.lower(node, this.#tools)
    return rule !== null
  }

  /** The same of products that are computed as one. */
  lowerGroup(group: NarrowGroup): boolean {
    const isOurs = takesGroup(group)
    if (isOurs) emitGroup(group, this.#tools)
    return isOurs
  }
}

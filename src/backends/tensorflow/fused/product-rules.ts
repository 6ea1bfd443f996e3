// Products as terms of sums: with a frozen weight, TensorFlow's own product, which in bfloat16 is added up as it comes; an
// adapter's way up, which is computed where it is added. A way down is narrow-rules.ts'.
import type { OpNode, Value } from '#engine/ir/types.ts'
import { isNarrow } from '../../narrow-groups.ts'
import { matrixProduct } from '../operators.ts'
import { read, readBfloat16 } from '../weights.ts'
import { emitWayDown, isWayDown } from './narrow-rules.ts'
import type { Reading } from './needs.ts'
import { type Facts, type FusedRule, isWhole, type Tools } from './rule.ts'
import { joined, noTerms, type Terms } from './terms.ts'

type Kinds = 'linear' | 'linearInputBackward'
type Product = OpNode<Kinds>

const isVector = (value: Value | null): boolean => value !== null && value.shape.length < 2

/** A bias is not a term: it has no rows. */
function isTerm({ inputs: [x, , addend], outputs: [y] }: Product): boolean {
  return isWhole(y.shape.at(-1)) && x.shape.length >= 2 && !isVector(addend)
}

const isFrozenProduct = (node: Product, facts: Facts): boolean =>
  isTerm(node) && facts.isFrozen(node.inputs[1]) && node.attributes.scale === 1

const isWayUp = (node: Product, facts: Facts): boolean =>
  isTerm(node) &&
  facts.isTrained(node.inputs[1]) &&
  isNarrow(node.inputs[0].shape.at(-1)!) &&
  !isWayDown(node, facts)

function termsOf(node: Product, tools: Tools): Terms {
  const { emit } = tools
  const [x, weight] = node.inputs
  const isTurned = node.kind === 'linear'
  if (!isFrozenProduct(node, tools)) {
    const { scale } = node.attributes
    return { ...noTerms, narrows: [{ down: emit.rows(x), up: read(emit, weight), isTurned, scale }] }
  }
  const turned = { isSecondTurned: isTurned }
  return tools.wide === 'half'
    ? { ...noTerms, halves: [matrixProduct(emit, emit.halfRows(x), readBfloat16(emit, weight), turned)] }
    : { ...noTerms, fulls: [matrixProduct(emit, emit.rows(x), read(emit, weight), turned)] }
}

/** Both kinds alike: they differ in how the weight lies. */
const product = {
  takes: (node: Product, facts: Facts): boolean =>
    isFrozenProduct(node, facts) || isWayUp(node, facts) || isWayDown(node, facts),

  readings: (node: Product, facts: Facts): readonly Reading[] => [
    isWayUp(node, facts) ? 'full' : facts.wide,
    'full',
    'full',
  ],

  lower(node: Product, tools: Tools): void {
    if (isWayDown(node, tools)) {
      emitWayDown(node, tools)
      return
    }
    const [, , addend] = node.inputs
    const own = termsOf(node, tools)
    tools.sums.set(node.outputs[0], addend ? joined(own, tools.sums.takeTerms(addend)) : own)
  },
}

export const productRules: { readonly [K in Kinds]: FusedRule<K> } = {
  linear: product,
  linearInputBackward: product,
}

// An adapter's narrow products: its way down [T,I] -> [T,r], and gradients that are sums over all rows. The wide operand is
// read in bfloat16 where products are computed in it, sums are float32. Several with the same wide operand are one operator.
import type { OpNode, Value } from '#engine/ir/types.ts'
import { isNarrow, type NarrowGroup } from '../../narrow-groups.ts'
import { lastOf } from '../emitter.ts'
import { boolean, type DataType, float, integer, type TfAttribute, type } from '../graph-def.ts'
import type { Tensor } from '../tensor.ts'
import { read } from '../weights.ts'
import type { Reading } from './needs.ts'
import { type Facts, type FusedRule, isWhole, type Tools } from './rule.ts'

/** Several operands on one side of the same wide one. */
interface NarrowProducts {
  readonly operator: 'TunewrightDown' | 'TunewrightNarrowGradient'
  readonly wide: Value
  readonly others: readonly Tensor[]
  readonly outputs: readonly Value[]
  readonly scale: number
  /** Weights are [I,r]; gradients are to be [I,r]. */
  readonly isTurned: boolean
}

function emitNarrow(
  { emit, wide: reading }: Tools,
  { operator, wide, others, outputs, scale, isTurned }: NarrowProducts,
): void {
  const isHalf = reading === 'half'
  const attributes: Record<string, TfAttribute> = {
    M: integer(others.length),
    scale: float(scale),
    turned: boolean(isTurned),
    of: type(isHalf ? 'bfloat16' : 'float32'),
    is_half: boolean(isHalf),
  }
  const rows = isHalf ? emit.halfRows(wide) : emit.rows(wide)
  const inputs = operator === 'TunewrightDown' ? [rows, ...others] : [...others, rows]
  const made = emit.node(
    operator,
    inputs,
    attributes,
    outputs.map((): DataType => 'float32'),
  )
  for (const [index, value] of outputs.entries()) emit.setRows(value, made[index]!)
}

type Product = OpNode<'linear'> | OpNode<'linearInputBackward'>

/** To so few columns that no more are read than written. */
export function isWayDown({ inputs: [x, weight, addend], outputs: [y] }: Product, facts: Facts): boolean {
  const [input, output] = [x.shape.at(-1)!, y.shape.at(-1)!]
  const isDown = isNarrow(output) && isWhole(input) && output <= input
  return isDown && facts.isTrained(weight) && addend === null && x.shape.length >= 2
}

export function emitWayDown(
  { kind, inputs: [x, weight], outputs, attributes: { scale } }: Product,
  tools: Tools,
): void {
  const others = [read(tools.emit, weight)]
  const isTurned = kind === 'linearInputBackward'
  emitNarrow(tools, { operator: 'TunewrightDown', wide: x, others, outputs, scale, isTurned })
}

/** Which of dy [T,O] and x [T,I] is wide; null where our operator does not compute the gradient. */
function wideOf({ inputs: [dy, x] }: OpNode<'linearWeightBackward'>): 'dy' | 'x' | null {
  const [o, i] = [lastOf(dy.shape), lastOf(x.shape)]
  if (isNarrow(o) && !isNarrow(i) && isWhole(i)) return 'x'
  return isNarrow(i) && !isNarrow(o) && isWhole(o) ? 'dy' : null
}

export const linearWeightBackward: FusedRule<'linearWeightBackward'> = {
  takes: (node) => wideOf(node) !== null,

  readings: (node, facts): readonly Reading[] =>
    wideOf(node) === 'x' ? ['full', facts.wide] : [facts.wide, 'full'],

  lower(node, tools) {
    const [dy, x] = node.inputs
    const isTurned = wideOf(node) === 'dy'
    const [wide, other] = isTurned ? [dy, x] : [x, dy]
    const { scale } = node.attributes
    const others = [tools.emit.rows(other)]
    emitNarrow(tools, {
      ...{ operator: 'TunewrightNarrowGradient', wide, others, outputs: node.outputs, scale, isTurned },
    })
  },
}

export function takesGroup({ kind, nodes }: NarrowGroup): boolean {
  if (kind === 'linear') return isWhole(nodes[0]!.inputs[0].shape.at(-1))
  return wideOf(nodes[0]!) === 'x'
}

export const readingsOfGroup = ({ kind }: NarrowGroup, { wide }: Facts): readonly Reading[] =>
  kind === 'linear' ? [wide, 'full', 'full'] : ['full', wide]

export function emitGroup({ kind, nodes }: NarrowGroup, tools: Tools): void {
  const { scale } = nodes[0]!.attributes
  const outputs = nodes.map(({ outputs }) => outputs[0])
  if (kind === 'linear') {
    const others = nodes.map(({ inputs: [, weight] }) => read(tools.emit, weight))
    const wide = nodes[0]!.inputs[0]
    emitNarrow(tools, { operator: 'TunewrightDown', wide, others, outputs, scale, isTurned: false })
    return
  }
  const others = nodes.map(({ inputs: [dy] }) => tools.emit.rows(dy))
  const wide = nodes[0]!.inputs[1]
  emitNarrow(tools, { operator: 'TunewrightNarrowGradient', wide, others, outputs, scale, isTurned: false })
}

// silu(gate) * up: one pass adds the terms of both, and writes them too where others read them. The backward pass reads
// them in bfloat16 where products in it gave them; it adds the terms of dy and writes both gradients.
import type { OpNode, Value } from '#engine/ir/types.ts'
import { boolean, integer, type } from '../graph-def.ts'
import type { Reading } from './needs.ts'
import { type Facts, type FusedRule, hasWholeRows } from './rule.ts'
import { inputsOf, termOf } from './terms.ts'
import { declare, eitherOf, wantedOf } from './wanted.ts'

const isOurs = ({ kind }: { readonly kind: string }, value: Value): boolean =>
  kind === 'silu' && hasWholeRows(value)

/** What of gate and up the operator writes besides. */
const nothing = 0
const inFloat32 = 1
const inBfloat16 = 2

export const gatedActivation: FusedRule<'gatedActivation'> = {
  takes: ({ outputs: [y], attributes }) => isOurs(attributes, y),

  lower({ inputs: [gate, up], outputs: [y] }, { emit, sums, needs }) {
    const operands = [gate, up]
    const isTaken = operands.every((each) => sums.isTerms(each)) && gate !== up
    const others = eitherOf(needs.of(gate), needs.of(up))
    const kept = others.full > 2 ? inFloat32 : others.half > 0 ? inBfloat16 : nothing
    const keeps = isTaken ? kept : nothing
    const [first, second] = operands.map((each) =>
      isTaken ? sums.takeShared(each) : termOf(emit.rows(each)),
    )
    const need = needs.of(y)
    const { inputs, attributes } = inputsOf(first!, second!)
    const made = emit.node(
      'TunewrightGated',
      inputs,
      { ...attributes, ...wantedOf(need), keeps: integer(keeps) },
      ['float32', 'float32', 'bfloat16', 'bfloat16', 'float32', 'bfloat16'],
    )
    for (const [index, value] of operands.entries()) {
      if (keeps === inFloat32) emit.setRows(value, made[index]!)
      if (keeps === inBfloat16) emit.setHalfRows(value, made[index + 2]!)
    }
    declare(emit, y, need, { full: made[4]!, half: made[5]! })
  },
}

const isKeptHalf = ({ inputs: [, gate, up] }: OpNode<'gatedActivationBackward'>, facts: Facts): boolean =>
  facts.isRounded(gate) && facts.isRounded(up)

export const gatedActivationBackward: FusedRule<'gatedActivationBackward'> = {
  takes: ({ inputs: [dy], attributes }) => isOurs(attributes, dy),

  readings(node, facts): readonly Reading[] {
    const kept = isKeptHalf(node, facts) ? 'half' : 'full'
    return ['full', kept, kept]
  },

  lower(node, tools) {
    const [dy, gate, up] = node.inputs
    const [dGate, dUp] = node.outputs
    const { emit, sums, needs } = tools
    const { inputs, attributes } = inputsOf(sums.takeTerms(dy))
    const isHalf = isKeptHalf(node, tools)
    const kept = [gate, up].map((each) => (isHalf ? emit.halfRows(each) : emit.rows(each)))
    const wanted = wantedOf(eitherOf(needs.of(dGate), needs.of(dUp)))
    const form = { kept: type(isHalf ? 'bfloat16' : 'float32'), kept_half: boolean(isHalf) }
    const [gateFull, upFull, gateHalf, upHalf] = emit.node(
      'TunewrightGatedBackward',
      [...inputs, ...kept],
      { ...attributes, ...wanted, ...form },
      ['float32', 'float32', 'bfloat16', 'bfloat16'],
    )
    declare(emit, dGate, needs.of(dGate), { full: gateFull!, half: gateHalf! })
    declare(emit, dUp, needs.of(dUp), { full: upFull!, half: upHalf! })
  },
}

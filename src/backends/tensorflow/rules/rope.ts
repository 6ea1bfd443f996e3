// Rotary embedding as TensorFlow: the first R numbers of every head in two halves, each times the cosine, plus the other
// half times the sine, whose sign is the half's.
// Legend: T positions of all rows, H heads, D head width, R rotated numbers of each head.
import type { Value } from '#engine/ir/types.ts'
import { type Emitter, lastOf } from '../emitter.ts'
import { add, concat, expand, gather, multiply, negate, reshape, reverse, split } from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import { read } from '../weights.ts'
import type { RulesFor } from './rule.ts'

export const ropeRules: RulesFor<'rope'> = {
  rope(emit, { inputs: [x, positions, cos, sin], outputs: [y], attributes }) {
    const half = lastOf(cos.shape)
    const width = lastOf(x.shape) / attributes.heads
    const rest = width - 2 * half
    const perHead = reshape(emit, emit.rows(x), emit.integers([-1, attributes.heads, width]))
    const [turned, kept] = rest === 0 ? [perHead] : split(emit, perHead, [2 * half, rest], -1)
    const halves = reshape(emit, turned!, emit.integers([-1, attributes.heads, 2, half]))
    const swapped = reshape(emit, reverse(emit, halves, 2), emit.integers([-1, attributes.heads, 2 * half]))
    const rotated = add(
      emit,
      multiply(emit, turned!, atPositions(emit, cos, positions, 'cosines')),
      multiply(emit, swapped, atPositions(emit, sin, positions, attributes.inverse ? 'sines back' : 'sines')),
    )
    const whole = kept ? concat(emit, [rotated, kept], -1) : rotated
    emit.setRows(y, reshape(emit, whole, emit.integers([-1, lastOf(x.shape)])))
  },
}

/** The table's rows for all positions, for both halves: [T,1,R]. Made once for all layers. */
function atPositions(
  emit: Emitter,
  table: Value,
  positions: Value,
  use: 'cosines' | 'sines' | 'sines back',
): Tensor {
  return emit.share(`${use} of ${table.name} at ${positions.name}`, () => {
    const places = reshape(emit, emit.whole(positions), emit.integers([-1]))
    const rows = gather(emit, read(emit, table), places)
    const [first, second] = use === 'cosines' ? [rows, rows] : [negate(emit, rows), rows]
    const both = use === 'sines back' ? [second, first] : [first, second]
    return expand(emit, concat(emit, both, -1), 1)
  })
}

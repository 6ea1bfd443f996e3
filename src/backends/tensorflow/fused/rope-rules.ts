// Rotary embedding of whole heads.
import { lastOf } from '../emitter.ts'
import { boolean, integer } from '../graph-def.ts'
import { reshape } from '../operators.ts'
import { read } from '../weights.ts'
import type { FusedRule } from './rule.ts'
import { declare, wantedOf } from './wanted.ts'

export const rope: FusedRule<'rope'> = {
  takes({ inputs: [x, , cos], attributes: { heads } }) {
    const width = lastOf(x.shape) / heads
    return 2 * lastOf(cos.shape) === width && width % 32 === 0
  },

  lower({ inputs: [x, positions, cos, sin], outputs: [y], attributes: { heads, inverse } }, { emit, needs }) {
    const places = emit.share(`flat ${positions.name}`, () =>
      reshape(emit, emit.whole(positions), emit.integers([-1])),
    )
    const need = needs.of(y)
    const [full, half] = emit.node(
      'TunewrightRope',
      [emit.rows(x), read(emit, cos), read(emit, sin), places],
      { heads: integer(heads), inverse: boolean(inverse), ...wantedOf(need) },
      ['float32', 'bfloat16'],
    )
    declare(emit, y, need, { full: full!, half: half! })
  },
}

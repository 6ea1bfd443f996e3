// Rotary embedding as ONNX: one operator, which rotates the first R numbers of every head and copies the others.
import { lastOf } from '../shapes.ts'
import type { RulesFor } from './rule.ts'

export const ropeRules: RulesFor<'rope'> = {
  rope(emit, { inputs: [x, positions, cos, sin], outputs: [y], attributes }) {
    const sine = attributes.inverse
      ? emit.share(`negated ${sin.name}`, () => emit.node('Neg', [emit.read(sin)], { shape: sin.shape }))
      : emit.read(sin)
    const rotated = 2 * lastOf(cos.shape)
    const isPartial = rotated < lastOf(x.shape) / attributes.heads
    emit.node('RotaryEmbedding', [x.name, positions.name, emit.read(cos), sine], {
      domain: 'com.microsoft',
      attributes: {
        num_heads: attributes.heads,
        interleaved: 0,
        rotary_embedding_dim: isPartial ? rotated : 0,
      },
      outputs: [y.name],
    })
  },
}

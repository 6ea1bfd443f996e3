// Attention of queries and keys of one sequence, in blocks of both with its softmax in parts. What is added to scores (a
// mask, a bias), a cap on them and keys of another sequence stay with TensorFlow's operators (rules/attention.ts).
import type { AttentionAttributes, OpTable } from '#engine/ir/types.ts'
import { type Emitter, lastOf } from '../emitter.ts'
import { boolean, float, integer, type TfAttribute } from '../graph-def.ts'
import type { Tensor } from '../tensor.ts'
import type { FusedRule } from './rule.ts'
import { declare, wantedOf } from './wanted.ts'

type Operands = Readonly<OpTable['attention']['inputs']>

/** The operator computes whole vectors of the processor. */
const widthUnit = 16

function isOurs(
  [q, k, , querySegments, keySegments, mask, bias]: Operands,
  { heads, softCap }: AttentionAttributes,
): boolean {
  const isOneSequence = q.shape[1] === k.shape[1] && querySegments?.id === keySegments?.id
  const isPlain = mask === null && bias === null && softCap === null
  return isOneSequence && isPlain && (lastOf(q.shape) / heads) % widthUnit === 0
}

const attributesOf = ({
  heads,
  kvHeads,
  scale,
  causal,
  window,
  sharesStart,
}: AttentionAttributes): Record<string, TfAttribute> => ({
  heads: integer(heads),
  key_heads: integer(kvHeads),
  scale: float(scale),
  causal: boolean(causal),
  window: integer(window ?? 0),
  shares_start: boolean(sharesStart),
})

/** Queries, keys, values, the length of a row, and its segments: none are an empty vector. */
const inputsOf = (emit: Emitter, [q, k, v, segments]: Operands): readonly Tensor[] => [
  ...[q, k, v].map((each) => emit.rows(each)),
  emit.sizeOf(q.shape[1]!),
  segments ? emit.whole(segments) : emit.integers([]),
]

export const attention: FusedRule<'attention'> = {
  takes: ({ inputs, attributes }) => isOurs(inputs, attributes),

  lower({ inputs, outputs: [out, logSumExp], attributes }, { emit, needs }) {
    const need = needs.of(out)
    const [full, half, sums] = emit.node(
      'TunewrightAttention',
      inputsOf(emit, inputs),
      { ...attributesOf(attributes), ...wantedOf(need) },
      ['float32', 'bfloat16', 'float32'],
    )
    declare(emit, out, need, { full: full!, half: half! })
    emit.setWhole(logSumExp, sums!)
  },
}

const forwardOf = ({
  inputs,
}: {
  readonly inputs: Readonly<OpTable['attentionBackward']['inputs']>
}): Operands => {
  const [, , , ...operands] = inputs
  return operands
}

export const attentionBackward: FusedRule<'attentionBackward'> = {
  takes: (node) => isOurs(forwardOf(node), node.attributes),

  lower(node, { emit, needs }) {
    const [dOut, , logSumExp] = node.inputs
    const [dq, dk, dv] = node.outputs
    const need = needs.of(dv)
    const [dQueries, dKeys, dValues, half] = emit.node(
      'TunewrightAttentionBackward',
      [...inputsOf(emit, forwardOf(node)), emit.rows(dOut), emit.whole(logSumExp)],
      { ...attributesOf(node.attributes), ...wantedOf(need) },
      ['float32', 'float32', 'float32', 'bfloat16'],
    )
    emit.setRows(dq, dQueries!)
    emit.setRows(dk, dKeys!)
    declare(emit, dv, need, { full: dValues!, half: half! })
  },
}

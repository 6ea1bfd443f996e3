// The vocabulary's loss: one pass makes losses and the gradient of logits. In float32 that gradient takes the place of the
// logits where nobody else holds them; where a product in bfloat16 reads it, it is written so at once.
import { float } from '../graph-def.ts'
import type { FusedRule } from './rule.ts'
import { declare, wantedOf } from './wanted.ts'

export const softmaxCrossEntropy: FusedRule<'softmaxCrossEntropy'> = {
  takes: () => true,

  lower({ inputs: [logits, targets, weights], outputs: [losses, dLogits], attributes }, { emit, needs }) {
    const need = needs.of(dLogits)
    const [loss, full, half] = emit.node(
      'TunewrightCrossEntropy',
      [emit.rows(logits), emit.whole(targets), emit.whole(weights)],
      { smoothing: float(attributes.smoothing), ...wantedOf(need) },
      ['float32', 'float32', 'bfloat16'],
    )
    emit.setRows(losses, loss!)
    declare(emit, dLogits, need, { full: full!, half: half! })
  },
}

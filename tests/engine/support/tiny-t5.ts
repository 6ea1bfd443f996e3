// A T5 of two blocks on each side with random weights, and rows for it.
import type { ModelConfig } from '../../../src/engine/index.ts'
import { parseModelConfig } from '../../../src/engine/index.ts'
import { ignoredLabel } from '../../../src/shared/labels.ts'
import { unwrap } from '../../../src/shared/result.ts'

export const tinyT5 = (): ModelConfig =>
  unwrap(
    parseModelConfig({
      model_type: 't5',
      vocab_size: 17,
      d_model: 8,
      d_ff: 12,
      d_kv: 4,
      num_heads: 2,
      num_layers: 2,
      relative_attention_num_buckets: 8,
      relative_attention_max_distance: 16,
      decoder_start_token_id: 2,
    }),
  )

/** A row as the trainer makes it: source, and behind it the target, which is labelled. */
export const pairRow = (source: readonly number[], target: readonly number[]) => ({
  rowId: source.join(),
  ids: [...source, ...target],
  labels: [...source.map(() => ignoredLabel), ...target],
})

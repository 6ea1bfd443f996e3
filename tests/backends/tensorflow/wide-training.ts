// Training steps of a small Llama whose widths our operators take: heads of 32, adapters narrower than what they stand on.

import { type TinyTraining, tinyTraining } from '../../conformance/tiny-training.ts'
import { wholeModel } from '../../engine/support/tiny-methods.ts'
import { goldenLora as lora } from '../../golden-runs/replay.ts'

/** Wider than what counts as narrow, down to keys and values. */
const wide = {
  hidden_size: 192,
  intermediate_size: 256,
  num_attention_heads: 6,
  num_key_value_heads: 3,
  head_dim: 32,
  vocab_size: 80,
}

const windowed = { ...wide, model_type: 'mistral', sliding_window: 3 }

export const wideLora = tinyTraining(lora, 1, false, wide)
export const wideCheckpointed = tinyTraining(lora, 2, true, wide)

/** Of so many blocks, computed again. */
export const wideLayers = (layers: number): TinyTraining =>
  tinyTraining(lora, 1, true, { ...wide, num_hidden_layers: layers })

export const wideTrainings: readonly (TinyTraining & { readonly title: string })[] = [
  { title: 'LoRA', ...wideLora },
  { title: 'LoRA, blocks computed again, two loss chunks', ...wideCheckpointed },
  { title: 'DoRA', ...tinyTraining({ ...lora, decomposed: true }, 1, false, wide) },
  {
    title: 'LoRA, biases',
    ...tinyTraining(lora, 1, true, { ...wide, attention_bias: true, mlp_bias: true }),
  },
  { title: 'LoRA, a window', ...tinyTraining(lora, 1, true, windowed) },
  {
    title: 'LoRA on few linears of the upper block',
    ...tinyTraining({ ...lora, targets: ['q_proj', 'v_proj'], topLayers: 1 }, 1, true, wide),
  },
  { title: 'all weights', ...tinyTraining(wholeModel, 2, true, wide) },
]

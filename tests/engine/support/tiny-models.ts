// Small Llamas with random weights, made here, and batches for them: for checks that need no reference from outside.
import type { BuiltGraph, ModelConfig, NumericTensor } from '../../../src/engine/index.ts'
import { counterRandom, parseModelConfig, ropeWeights } from '../../../src/engine/index.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { batchFeeds, chunkFeeds } from './feeds.ts'
import { randomTensor } from './numbers.ts'

/** 2 blocks, 4 query heads on 2 key/value heads; fields of a Hugging Face config can be replaced. */
export function tinyConfig(changes: Readonly<Record<string, unknown>> = {}): ModelConfig {
  return unwrap(
    parseModelConfig({
      model_type: 'llama',
      vocab_size: 13,
      hidden_size: 8,
      intermediate_size: 12,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 4,
      max_position_embeddings: 16,
      rms_norm_eps: 1e-5,
      rope_theta: 100,
      tie_word_embeddings: false,
      ...changes,
    }),
  )
}

/** Random weights of every parameter; norms around 1, adapters as large as weights. */
export function weightFeeds(built: BuiltGraph, config: ModelConfig): Map<string, NumericTensor> {
  const feeds = new Map<string, NumericTensor>(ropeWeights(config, config.maxPositions))
  for (const { name, shape } of [...built.frozen, ...built.trainable]) {
    if (feeds.has(name)) continue
    const numbers = shape.map(Number)
    const tensor = randomTensor(numbers, name, 1.5 / Math.sqrt(numbers.at(-1) ?? 1))
    if (name.includes('norm'))
      for (let i = 0; i < tensor.data.length; i += 1) tensor.data[i] = 1 + Number(tensor.data[i]) / 4
    feeds.set(name, tensor)
  }
  return feeds
}

/** Two rows of five tokens; every position but the last of a row is labelled, with uneven weights. */
export function trainingFeeds(config: ModelConfig, chunks: number): Map<string, NumericTensor> {
  const random = counterRandom(5, 'ids')
  const ids = Array.from({ length: 10 }, (_, i) => Math.floor(random(i) * config.vocabulary))
  const labelled = [0, 1, 2, 3, 5, 6, 7, 8].map((row) => ({
    row,
    target: ids[row + 1]!,
    weight: 0.1 + row / 20,
  }))
  return new Map([...batchFeeds([ids.slice(0, 5), ids.slice(5)]), ...chunkFeeds(labelled, chunks)])
}

// Small Llamas with random weights, made here, and batches for them: for checks that need no reference from outside.
import type { BuiltGraph, ModelConfig, NumericTensor } from '../../../src/engine/index.ts'
import { counterRandom, parseModelConfig, ropeTables } from '../../../src/engine/index.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { randomTensor, wholeTensor } from './numbers.ts'

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
  const feeds = new Map<string, NumericTensor>()
  const { cos, sin } = ropeTables(config, config.maxPositions)
  for (const { name, shape } of [...built.frozen, ...built.trainable]) {
    if (name.startsWith('rope.')) continue
    const numbers = shape.map(Number)
    const tensor = randomTensor(numbers, name, 1.5 / Math.sqrt(numbers.at(-1) ?? 1))
    if (name.includes('norm'))
      for (let i = 0; i < tensor.data.length; i += 1) tensor.data[i] = 1 + Number(tensor.data[i]) / 4
    feeds.set(name, tensor)
  }
  const shape = [config.maxPositions, config.headWidth / 2]
  return feeds.set('rope.cos', { shape, data: cos }).set('rope.sin', { shape, data: sin })
}

/** Two rows of five tokens; every position but the last of a row is labelled, with uneven weights. */
export function trainingFeeds(config: ModelConfig, chunks: number): Map<string, NumericTensor> {
  const random = counterRandom(5, 'ids')
  const ids = Array.from({ length: 10 }, (_, i) => Math.floor(random(i) * config.vocabulary))
  const labelled = [0, 1, 2, 3, 5, 6, 7, 8]
  const feeds = new Map([
    ['ids', wholeTensor([2, 5], ids)],
    ['positions', wholeTensor([2, 5], [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])],
  ])
  const perChunk = labelled.length / chunks
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const rows = labelled.slice(chunk * perChunk, (chunk + 1) * perChunk)
    const targets = rows.map((row) => ids[row + 1] as number)
    const data = Float64Array.from(rows, (row) => 0.1 + row / 20)
    feeds.set(`rows.${chunk}`, wholeTensor([rows.length], rows))
    feeds.set(`targets.${chunk}`, wholeTensor([rows.length], targets))
    feeds.set(`weights.${chunk}`, { shape: [rows.length], data })
  }
  return feeds
}

// Layer-wise learning-rate decay (Howard & Ruder 2018; Clark et al. 2020): blocks further from the output learn slower.
import type { ModelConfig } from '../models/config.ts'

/**
 * A factor on the learning rate for each weight: decay^(blocks above it). So 1 for the topmost block and what follows it
 * (last norm, head); embeddings lie below the lowest block. The blocks of an encoder lie below those of its decoder.
 */
export function layerRates(config: ModelConfig, names: readonly string[], decay: number): readonly number[] {
  return names.map((name) => decay ** (config.layers - 1 - heightOf(config, name)))
}

/** Index of the block that a weight or its adapter belongs to; -1 for embeddings. */
function heightOf(config: ModelConfig, name: string): number {
  const isBelow = (path: string | null | undefined): boolean => path != null && name.startsWith(`${path}.`)
  const { embedding, blocks, encoderNorm, encoderLayers, layers } = config
  const tables = [embedding.tokens, embedding.positions?.name, embedding.types?.name]
  if (tables.includes(name) || isBelow(embedding.norm)) return -1
  const block = blocks.findIndex(({ path }) => isBelow(path))
  if (block >= 0) return block
  return isBelow(encoderNorm) ? encoderLayers - 1 : layers - 1
}

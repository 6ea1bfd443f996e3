// NEFTune's noise (Jain et al. 2023): uniform in [-1, 1) times alpha / sqrt(tokens x width) on the embeddings of a row.
// A function of seed, step and micro-batch, so that a resumed run has the same.
import type { Tensor } from '../backend-port.ts'
import { counterRandom } from '../random.ts'
import { type EncodedRow, type MicroBatch, placeRows } from './collate.ts'

export interface NoiseSource {
  readonly alpha: number
  /** C */
  readonly width: number
  readonly seed: number
  readonly step: number
  /** Index of the micro-batch in its step. */
  readonly microBatch: number
}

/** 'embedding.noise', float32 [B,S,C]: 0 on padding. */
export function embeddingNoise(
  rows: readonly EncodedRow[],
  batch: MicroBatch,
  { alpha, width, seed, step, microBatch }: NoiseSource,
): Tensor {
  const random = counterRandom(seed, `embedding noise ${step} ${microBatch}`)
  let drawn = 0
  const noise = rows.map(({ ids }) => {
    const size = ids.length * width
    const bound = alpha / Math.sqrt(size)
    const numbers = new Float32Array(size)
    for (let i = 0; i < size; i += 1) numbers[i] = bound * (2 * random(drawn + i) - 1)
    drawn += size
    return numbers
  })
  return placeRows(batch, width, noise)
}

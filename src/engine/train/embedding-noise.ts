// NEFTune's noise (Jain et al. 2023): uniform in [-1, 1) times alpha / sqrt(tokens x width) on the embeddings of a row.
// A function of seed, step and the row's place in the step, so that a resumed run has the same, and a batch in parts too.
import type { Tensor } from '../backend-port.ts'
import { counterRandom } from '../random.ts'
import { type MicroBatch, placeRows } from './collate.ts'

export interface NoiseSource {
  readonly alpha: number
  /** C */
  readonly width: number
  readonly seed: number
  readonly step: number
  /** Place of the first of the rows in its step. */
  readonly firstRow: number
}

/** 'embedding.noise', float32 [B,S,C]: 0 on padding. */
export function embeddingNoise(
  batch: MicroBatch,
  { alpha, width, seed, step, firstRow }: NoiseSource,
): Tensor {
  const noise = batch.lengths.map((length, row) => {
    const random = counterRandom(seed, `embedding noise ${step} ${firstRow + row}`)
    const size = length * width
    const bound = alpha / Math.sqrt(size)
    return Float32Array.from({ length: size }, (_, i) => bound * (2 * random(i) - 1))
  })
  return placeRows(batch, width, noise)
}

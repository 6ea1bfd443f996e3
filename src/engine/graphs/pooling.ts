// What stands around the graph of embeddings: how the states of a text become one vector, and that it has length 1.
import type { Pooling } from '#shared/embedding-protocol.ts'
import type { Tensor } from '../backend-port.ts'

export type { Pooling }

/** 'pooling' float32 [B,S] of texts of so many tokens each, at least 1, padded on the right to `positions`. */
export function poolingFeed(pooling: Pooling, lengthsTokens: readonly number[], positions: number): Tensor {
  const data = new Float32Array(lengthsTokens.length * positions)
  for (const [b, length] of lengthsTokens.entries()) {
    const start = b * positions
    if (pooling === 'mean') data.fill(1 / length, start, start + length)
    else data[start + (pooling === 'cls' ? 0 : length - 1)] = 1
  }
  return { dtype: 'float32', shape: [lengthsTokens.length, positions], data }
}

/** Each row of `width` numbers divided by its L2 norm (at least 1e-12, as torch's normalize has it), in place. */
export function normaliseRows(data: Float32Array, width: number): void {
  for (let start = 0; start < data.length; start += width) {
    const row = data.subarray(start, start + width)
    const norm = Math.max(1e-12, Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)))
    for (let i = 0; i < width; i += 1) row[i] = row[i]! / norm
  }
}

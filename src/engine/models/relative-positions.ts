// Buckets of distances for T5's bias (Raffel et al. 2020, section 2.1): near distances have one each, far ones share.
import type { RelativePositions } from './config.ts'

/** Bucket of a key `distance` positions behind its query (negative: before it). */
function bucketOf(distance: number, buckets: number, maxDistance: number): number {
  const exact = Math.floor(buckets / 2)
  if (distance < exact) return distance
  // transformers takes the logarithm in float32, which decides at the borders of buckets.
  const ratio = Math.fround(Math.log(Math.fround(distance / exact)))
  const share = Math.fround(
    Math.fround(ratio / Math.fround(Math.log(maxDistance / exact))) * (buckets - exact),
  )
  return Math.min(exact + Math.floor(share), buckets - 1)
}

/** int64 [length * length], queries by keys: what 'buckets' and 'decoder.buckets' are fed. */
export function relativeBuckets(
  { buckets, maxDistance }: Pick<RelativePositions, 'buckets' | 'maxDistance'>,
  side: 'encoder' | 'decoder',
  length: number,
): BigInt64Array {
  const half = buckets / 2
  const ofDistance = (behind: number): number => {
    if (side === 'decoder') return bucketOf(Math.max(0, -behind), buckets, maxDistance)
    return bucketOf(Math.abs(behind), half, maxDistance) + (behind > 0 ? half : 0)
  }
  const table = Array.from({ length: 2 * length - 1 }, (_, at) => BigInt(ofDistance(at - (length - 1))))
  const result = new BigInt64Array(length * length)
  for (let query = 0; query < length; query += 1)
    for (let key = 0; key < length; key += 1)
      result[query * length + key] = table[key - query + length - 1] ?? 0n
  return result
}

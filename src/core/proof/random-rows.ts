// Random numbers for resampling: the n-th number is a pure function of seed and n, so a proof repeats to the bit.

/** Murmur3's 32-bit finaliser (Appleby, public domain): a bijection that mixes every bit into every other. */
function mix(word: number): number {
  let h = word >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** `at(block, index)`: a number in [0, 1), independent for every block and index below 2^32. */
export function uniformNumbers(seed: number): (block: number, index: number) => number {
  const key = mix(seed ^ 0x5bd1e995)
  return (block, index) => {
    const blockKey = mix(key + Math.imul(block, 0x9e3779b1))
    return mix(mix(blockKey ^ Math.imul(index, 0x85ebca77)) + blockKey) / 4_294_967_296
  }
}

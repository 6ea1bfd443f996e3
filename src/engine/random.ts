// Random numbers as a pure function of (seed, purpose, index): nothing is skipped on resume, a cursor is set.
// Philox4x32-10 of Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". Not for secrets.

const multiplierA = 0xd2511f53
const multiplierB = 0xcd9e8d57
const weylA = 0x9e3779b9
const weylB = 0xbb67ae85
const rounds = 10

export type FourWords = readonly [number, number, number, number]

/**
 * The upper 32 bits of the 64-bit product of two unsigned 32-bit numbers. A product of halves plus a half stays below
 * 2^32, so that whole 32-bit numbers hold every step.
 */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0
}

/** One block of the generator: counter and key of 32-bit words -> four random 32-bit words, put into `block`. */
export function philox(
  counter: FourWords,
  key: readonly [number, number],
  block: Uint32Array = new Uint32Array(4),
): Uint32Array {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < rounds; round += 1) {
    const highA = multiplyHigh(multiplierA, c0)
    const lowA = Math.imul(multiplierA, c0)
    const highB = multiplyHigh(multiplierB, c2)
    const lowB = Math.imul(multiplierB, c2)
    c0 = highB ^ c1 ^ k0
    c1 = lowB
    c2 = highA ^ c3 ^ k1
    c3 = lowA
    k0 = (k0 + weylA) | 0
    k1 = (k1 + weylB) | 0
  }
  block[0] = c0
  block[1] = c1
  block[2] = c2
  block[3] = c3
  return block
}

/** FNV-1a, 32 bits, over UTF-16 code units: turns a purpose into half of the key. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ (text.charCodeAt(i) & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (text.charCodeAt(i) >>> 8), 0x01000193)
  }
  return hash >>> 0
}

/**
 * A stream of numbers in [0, 1) with 53 random bits each, addressed by index (a whole number from 0 to 2^53 - 1).
 * `seed` is a whole number from 0 to 2^32 - 1; different purposes ('order', 'adapter', ...) are independent streams.
 */
export function counterRandom(seed: number, purpose: string): (index: number) => number {
  const key = [seed >>> 0, hashText(purpose)] as const
  const counter: [number, number, number, number] = [0, 0, 0, 0]
  // One block for every number: a new one for each would take as long as the number itself.
  const block = new Uint32Array(4)
  return (index) => {
    counter[0] = index >>> 0
    counter[1] = Math.floor(index / 0x1_0000_0000)
    philox(counter, key, block)
    return ((block[0]! >>> 5) * 0x400_0000 + (block[1]! >>> 6)) / 0x20_0000_0000_0000
  }
}

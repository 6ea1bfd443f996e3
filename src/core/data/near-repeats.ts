// Texts that are almost the same: found by MinHash and locality-sensitive hashing, confirmed by their exact likeness.
// Pure. Bounded: one hash for each character place, and never more than `mostComparisons` exact comparisons.
//
// Likeness is the Jaccard index of the sets of five-character pieces. One permutation is cut into bins (Li, Owen and
// Zhang 2012), an empty bin borrows from the next full one (Shrivastava and Li 2014).

/** Two texts are near repeats from this likeness on. */
export const nearLikeness = 0.8
const pieceCharacters = 5
/** Texts shorter than this are too short to be called almost the same. */
const shortestText = 24
/** What lies behind is not compared. */
const longestText = 8000
const bands = 10
const rowsPerBand = 4
const bins = bands * rowsPerBand
/** Leaders kept in one bucket: texts of one template would otherwise be compared each with each. */
const bucketLeaders = 8
const mostComparisons = 2_000_000

export interface NearRepeats {
  /** For each text the index of an earlier one that it nearly repeats, or null. Never a chain: that one has null. */
  readonly leaders: readonly (number | null)[]
  /** Pairs that are alike but lie in two groups, because one text is alike to several leaders. */
  readonly strays: readonly (readonly [number, number])[]
  /** False where the limit of comparisons was reached: then there may be more. */
  readonly isComplete: boolean
}

/** `texts` are folded already (same-text.ts). Equal texts count as near repeats too. */
export function findNearRepeats(texts: readonly string[]): NearRepeats {
  const leaders: (number | null)[] = []
  const strays: (readonly [number, number])[] = []
  const buckets = new Map<number, number[]>()
  const sets = new Map<number, Uint32Array>()
  let comparisons = 0
  const setOfLeader = (i: number): Uint32Array => {
    const known = sets.get(i) ?? setOf(piecesOf(texts[i]!))
    sets.set(i, known)
    return known
  }
  for (const [i, text] of texts.entries()) {
    leaders.push(null)
    if (text.length < shortestText) continue
    const pieces = piecesOf(text)
    const keys = bandKeys(pieces)
    const candidates = new Set(keys.flatMap((key) => buckets.get(key) ?? []))
    const own = candidates.size === 0 ? pieces : setOf(pieces)
    for (const candidate of candidates) {
      if (comparisons >= mostComparisons) break
      comparisons += 1
      if (likenessOf(own, setOfLeader(candidate)) < nearLikeness) continue
      if (leaders[i] === null) leaders[i] = candidate
      else strays.push([candidate, i])
    }
    if (leaders[i] === null) for (const key of keys) addTo(buckets, key, i)
  }
  return { leaders, strays, isComplete: comparisons < mostComparisons }
}

function addTo(buckets: Map<number, number[]>, key: number, i: number): void {
  const bucket = buckets.get(key)
  if (bucket === undefined) buckets.set(key, [i])
  else if (bucket.length < bucketLeaders) bucket.push(i)
}

/** Hashes of all five-character pieces in their order. FNV-1a over UTF-16 units, then mixed. */
function piecesOf(text: string): Uint32Array {
  const end = Math.min(text.length, longestText)
  const hashes = new Uint32Array(end - pieceCharacters + 1)
  for (let at = 0; at < hashes.length; at += 1) {
    let hash = 0x811c9dc5
    for (let k = at; k < at + pieceCharacters; k += 1) hash = Math.imul(hash ^ text.charCodeAt(k), 0x01000193)
    hashes[at] = mix(hash)
  }
  return hashes
}

/** Sorted, each once. */
function setOf(pieces: Uint32Array): Uint32Array {
  const sorted = pieces.slice().sort()
  let kept = 0
  for (let at = 0; at < sorted.length; at += 1) {
    if (at > 0 && sorted[at] === sorted[kept - 1]) continue
    sorted[kept] = sorted[at]!
    kept += 1
  }
  return sorted.subarray(0, kept)
}

/** Finaliser of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** One key for each band of the sketch; texts that share one are candidates. */
function bandKeys(pieces: Uint32Array): number[] {
  const least = new Float64Array(bins).fill(-1)
  const width = 2 ** 32 / bins
  for (let at = 0; at < pieces.length; at += 1) {
    const hash = pieces[at]!
    const bin = Math.floor(hash / width)
    if (least[bin]! < 0 || hash < least[bin]!) least[bin] = hash
  }
  const keys: number[] = []
  for (let band = 0; band < bands; band += 1) {
    let key = band + 1
    for (let bin = band * rowsPerBand; bin < (band + 1) * rowsPerBand; bin += 1)
      key = mix(key ^ filledBin(least, bin)) + bin
    keys.push(key * bands + band)
  }
  return keys
}

/** The least hash of a bin; an empty one takes that of the next full one, told apart by how far it lies. */
function filledBin(least: Float64Array, bin: number): number {
  for (let step = 0; step < bins; step += 1) {
    const value = least[(bin + step) % bins]!
    if (value >= 0) return (value + step * 0x9e3779b9) >>> 0
  }
  return 0
}

/** Jaccard index of two sorted lists without repeats. */
function likenessOf(a: Uint32Array, b: Uint32Array): number {
  if (Math.min(a.length, b.length) < nearLikeness * Math.max(a.length, b.length)) return 0
  let i = 0
  let j = 0
  let common = 0
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      common += 1
      i += 1
      j += 1
    } else if (a[i]! < b[j]!) i += 1
    else j += 1
  }
  return common / (a.length + b.length - common)
}

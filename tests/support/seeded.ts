// Repeatable chance for property tests: the same seed gives the same cases on every computer.
export interface Chance {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number
  pick<T>(items: readonly T[]): T
}

/** Numbers from 0 up to 1 by mulberry32 (public domain, Tommy Ettinger); good enough to draw test cases. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function seeded(seed: number): Chance {
  const next = randomFrom(seed)
  const below = (limit: number): number => Math.floor(next() * limit)
  return { below, pick: (items) => items[below(items.length)]! }
}

/** One to four random edits of the bytes: flips, insertions, deletions, repeats, cuts, and characters that matter. */
export function mutate(bytes: Uint8Array, chance: Chance, marks: readonly number[]): Uint8Array {
  let result = [...bytes]
  for (let edits = 1 + chance.below(4); edits > 0; edits -= 1) {
    const at = chance.below(result.length + 1)
    const length = 1 + chance.below(12)
    const kind = chance.below(7)
    if (kind === 0 && at < result.length) result[at] = chance.below(256)
    else if (kind === 1) result.splice(at, 0, chance.pick(marks))
    else if (kind === 2) result.splice(at, length)
    else if (kind === 3) result.splice(at, 0, ...result.slice(at, at + length))
    else if (kind === 4) result = result.slice(0, at)
    else if (kind === 5 && at < result.length) result[at] = chance.pick(marks)
    else result.splice(at, 0, ...Array.from({ length }, () => chance.below(256)))
  }
  return Uint8Array.from(result)
}

// The split of read rows: what repeats, nearly repeats, comes from one document or has one value in the group column stays
// on one side. Says which rows are alike, and whether any such pair had to be parted.
import type { Result } from '#shared/result.ts'
import type { SplitName } from '#shared/rows.ts'
import { groupRows, joinGroups } from './groups.ts'
import { findNearRepeats } from './near-repeats.ts'
import type { ReadRows } from './read-rows.ts'
import { type SplitSettings, splitRows } from './split.ts'

export interface SplitPlan {
  readonly split: Result<SplitName[]>
  readonly near: {
    /** Pairs of rows by their places, the earlier one first; exact repeats are not among them. */
    readonly pairs: readonly (readonly [number, number])[]
    /** Rows that nearly repeat an earlier one. */
    readonly rows: number
    /** Pairs whose rows lie on different sides of the split. */
    readonly parted: readonly (readonly [number, number])[]
    /** The split was made with near repeats on one side; false where there are none or no split would be possible. */
    readonly isKeptTogether: boolean
    /** False where there are too many rows to have looked at all. */
    readonly isComplete: boolean
  }
}

/** More rows than this are not searched for near repeats: it would take longer than reading them. */
const searchedRows = 200_000

/**
 * `keys` are equal where rows repeat each other; `strata` are shared out each by itself. Groups of a person's column hold
 * rows of several strata and are shared out as wholes, by their rows alone.
 */
export function planSplit(
  read: Pick<ReadRows, 'rows' | 'groups' | 'source'>,
  keys: readonly string[],
  strata: readonly string[],
  settings: SplitSettings,
): SplitPlan {
  const found = findPairs(keys)
  const values = read.groups?.map((value) => (value === '' ? null : value)) ?? null
  const documents = groupRows(read.rows, keys)
  const apart = values === null ? documents : joinGroups(documents, values)
  const splitBy = (groups: readonly string[]): Result<SplitName[]> =>
    splitRows(
      groups.map((key, i) => ({ key, stratum: values === null ? strata[i]! : '' })),
      settings,
      read.source.name,
    )
  if (found.marks === null) return planOf(found, splitBy(apart), false)
  const together = splitBy(joinGroups(apart, found.marks))
  return together.ok ? planOf(found, together, true) : planOf(found, splitBy(apart), false)
}

interface FoundPairs extends Pick<SplitPlan['near'], 'pairs' | 'rows' | 'isComplete'> {
  /** For each row what it has in common with those it nearly repeats; null where no row does. */
  readonly marks: readonly (number | null)[] | null
}

function findPairs(keys: readonly string[]): FoundPairs {
  if (keys.length > searchedRows) return { pairs: [], rows: 0, isComplete: false, marks: null }
  const placeOf = new Map<string, number>()
  for (const [i, key] of keys.entries()) if (!placeOf.has(key)) placeOf.set(key, i)
  const places = [...placeOf.values()]
  const { leaders, strays, isComplete } = findNearRepeats([...placeOf.keys()])
  const joined = leaders.flatMap((leader, i) =>
    leader === null ? [] : [[places[leader]!, places[i]!] as const],
  )
  const pairs = [...joined, ...strays.map(([a, b]) => [places[a]!, places[b]!] as const)]
  if (joined.length === 0) return { pairs, rows: 0, isComplete, marks: null }
  const leaderOf = new Map(joined.map(([leader, place]) => [place, leader]))
  const marks = keys.map((key) => {
    const place = placeOf.get(key)!
    return leaderOf.get(place) ?? place
  })
  return { pairs, rows: keys.filter((key) => leaderOf.has(placeOf.get(key)!)).length, isComplete, marks }
}

function planOf(
  { pairs, rows, isComplete }: FoundPairs,
  split: Result<SplitName[]>,
  isKeptTogether: boolean,
): SplitPlan {
  const parted = split.ok ? pairs.filter(([a, b]) => split.value[a] !== split.value[b]) : []
  return { split, near: { pairs, rows, parted, isKeptTogether, isComplete } }
}

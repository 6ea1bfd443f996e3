// Which rows have to stay on one side of the split: those that repeat each other or nearly do, those cut from one document,
// and those that a person's group column holds together.
import type { DatasetRow } from '#shared/rows.ts'

/** With fewer documents than this the parts could not be filled with whole ones. */
const leastDocuments = 20

/** A key for each row, equal where rows belong together. `keys` are equal where rows repeat each other. */
export function groupRows(rows: readonly DatasetRow[], keys: readonly string[]): readonly string[] {
  const documents = rows.map(({ rowId }) => rowId.split('.')[0]!)
  const count = new Set(documents).size
  if (count === rows.length || count < leastDocuments) return keys
  return joinGroups(keys, documents)
}

/** Joins the groups of rows that have the same mark; null marks no row. The first key met in a group stays its key. */
export function joinGroups(
  keys: readonly string[],
  marks: readonly (string | number | null)[],
): readonly string[] {
  // Union-find: a mark leads to the first key met with it, a key to the key that it was joined with.
  const leaders = new Map<string, string>()
  const leaderOf = (key: string): string => {
    let leader = key
    for (let next = leaders.get(leader); next !== undefined; next = leaders.get(leader)) leader = next
    return leader
  }
  const firstOf = new Map<string | number, string>()
  for (const [i, mark] of marks.entries()) {
    if (mark === null) continue
    const first = firstOf.get(mark)
    if (first === undefined) firstOf.set(mark, keys[i]!)
    else if (leaderOf(first) !== leaderOf(keys[i]!)) leaders.set(leaderOf(keys[i]!), leaderOf(first))
  }
  return keys.map(leaderOf)
}

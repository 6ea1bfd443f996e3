// The order of rows that a person can sort by a column. What has no value stands last either way. Pure.

export interface Sorting {
  /** Name of the column. */
  readonly by: string
  readonly isDown: boolean
}

/** Another column begins in its own direction, the same one turns round. */
export const sortedAnew = (sorting: Sorting, by: string, beginsDown = false): Sorting =>
  sorting.by === by ? { by, isDown: !sorting.isDown } : { by, isDown: beginsDown }

type Value = number | string | null

const compare = (a: Value, b: Value): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), undefined, { numeric: true })
}

/** Among equals the order stays. */
export function inOrder<T>(rows: readonly T[], readValue: (row: T) => Value, isDown: boolean): readonly T[] {
  return rows
    .map((row) => ({ row, value: readValue(row) }))
    .toSorted((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null)
      return isDown ? compare(b.value, a.value) : compare(a.value, b.value)
    })
    .map(({ row }) => row)
}

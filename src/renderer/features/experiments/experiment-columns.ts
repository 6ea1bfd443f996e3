// The table's columns: which there are, how wide, what each is sorted by, and which a person wants in which order. The
// tick and the name always come first and are none of these. Pure.
import type { RunSort } from '#shared/journal-commands.ts'

export interface Column {
  readonly id: ColumnId
  readonly sort: RunSort
  /** Pixels; the last column takes what is left. */
  readonly width: number
}

const widths = {
  method: 92,
  learningRate: 78,
  bestLoss: 70,
  proof: 140,
  tags: 110,
  notes: 142,
  created: 110,
  project: 150,
  scenario: 140,
  model: 170,
  status: 120,
  verdict: 190,
  epochs: 80,
  batchRows: 110,
  steps: 110,
  seed: 80,
  duration: 90,
  rating: 128,
  device: 200,
} as const satisfies Partial<Record<RunSort, number>>
export type ColumnId = keyof typeof widths

export const allColumns = Object.keys(widths) as readonly ColumnId[]
export const usualColumns: readonly ColumnId[] = allColumns.slice(0, 7)

const columnOf = (id: ColumnId): Column => ({ id, sort: id, width: widths[id] })

/** The columns that the settings name, in their order; names of another version are passed over. */
export function shownColumns(remembered: readonly string[] | null): readonly Column[] {
  if (remembered === null) return usualColumns.map(columnOf)
  return [...new Set(remembered)].flatMap((name) => allColumns.find((id) => id === name) ?? []).map(columnOf)
}

/** Shown ones in their order, then the others: the list of the columns' menu. */
export function listedColumns(shown: readonly ColumnId[]): readonly ColumnId[] {
  return [...shown, ...allColumns.filter((id) => !shown.includes(id))]
}

/** The order with one column moved by one place; as it was where there is no such place. */
export function movedColumn(shown: readonly ColumnId[], id: ColumnId, by: -1 | 1): readonly ColumnId[] {
  const from = shown.indexOf(id)
  const to = from + by
  if (from < 0 || to < 0 || to >= shown.length) return shown
  const rest = shown.filter((other) => other !== id)
  return [...rest.slice(0, to), id, ...rest.slice(to)]
}

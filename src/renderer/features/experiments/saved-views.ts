// A view as the journal keeps it under a name: what an address says of it, without ticked runs and without a foreign
// journal, and the columns. Pure.
import type { SavedView } from '#shared/journal-commands.ts'
import { type ColumnId, shownColumns } from './experiment-columns.ts'
import { type ExperimentView, readView, writeView } from './experiment-view.ts'

export type KeptView = Pick<ExperimentView, 'text' | 'filters' | 'sort' | 'order'> & {
  readonly columns: readonly ColumnId[]
}

export function writeSavedView({ text, filters, sort, order, columns }: KeptView): SavedView['query'] {
  return { ...writeView({ text, filters, sort, order, ticked: [], journal: '' }), columns: [...columns] }
}

/** What it says wrongly, or of another version, counts as not said; without columns they are the usual ones. */
export function readSavedView(query: SavedView['query']): KeptView {
  const { text, filters, sort, order } = readView(query)
  const names = Array.isArray(query.columns) ? query.columns.filter((name) => typeof name === 'string') : null
  return { text, filters, sort, order, columns: shownColumns(names).map(({ id }) => id) }
}

const inOrder = (view: KeptView): string =>
  JSON.stringify(Object.entries(writeSavedView(view)).sort(([a], [b]) => (a < b ? -1 : 1)))
/** Whatever order its filters were chosen in. */
export const sameView = (a: KeptView, b: KeptView): boolean => inOrder(a) === inOrder(b)

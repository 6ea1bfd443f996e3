// Which runs stand on a page of a list where pinned ones come first: two lists behind one another, each in the same order
// and each counted in an index.
import type { Database } from 'better-sqlite3'
import { runQuery } from '#shared/journal-commands.ts'
import { checkInput } from './check-input.ts'
import { all, first } from './query.ts'
import { countQuery, pageQuery, type RunPage, readPage } from './read-runs.ts'

/** As `listRuns`, pinned runs before all others. */
export function listPinnedFirst(db: Database, input: unknown): RunPage {
  const query = checkInput(runQuery, input, 'list of runs')
  const { limit, offset, isPinned } = query
  const idsOf = (page: ReturnType<typeof pageQuery>): string[] => all(db, page).map(({ id }) => id)
  return db.transaction(() => {
    if (isPinned !== undefined) return readPage(db, query, idsOf(pageQuery(query)))
    const pinned = { ...query, isPinned: true }
    const { total } = first(db, countQuery(pinned)) as { total: number }
    const ahead = offset < total ? idsOf(pageQuery(pinned)) : []
    const left = limit - ahead.length
    const others = { ...query, isPinned: false, limit: left, offset: Math.max(0, offset - total) }
    const behind = left > 0 ? idsOf(pageQuery(others)) : []
    return readPage(db, query, [...ahead, ...behind])
  })()
}

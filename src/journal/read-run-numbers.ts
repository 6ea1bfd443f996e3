// Which run of its project a run is, where its name alone does not tell. Counted by creation over all that ever were, those
// that were renamed or removed too: a number never changes. Trials of searches have numbers of their own.
import type { Database } from 'better-sqlite3'

/** By id, only of runs that share their name with another one of their project. */
export function readRunNumbers(db: Database, runIds: readonly string[]): ReadonlyMap<string, number> {
  const shared = db.prepare(sharing).pluck().all(JSON.stringify(runIds))
  if (shared.length === 0) return new Map()
  const rows = db.prepare(numbering).all(JSON.stringify(shared)) as { id: string; number: number }[]
  return new Map(rows.map(({ id, number }) => [id, number]))
}

const isOwn = (run: string): string => `NOT EXISTS (SELECT 1 FROM trials WHERE run_id = ${run}.id)`

const sharing = `SELECT id FROM runs
  WHERE id IN (SELECT value FROM json_each(?)) AND ${isOwn('runs')} AND EXISTS (
    SELECT 1 FROM runs AS other
    WHERE other.name = runs.name AND other.project_id = runs.project_id AND other.id <> runs.id
      AND ${isOwn('other')})`

const numbering = `WITH wanted AS (SELECT value AS id FROM json_each(?)), numbered AS (
    SELECT id, row_number() OVER (PARTITION BY project_id ORDER BY created_at_ms, id) AS number FROM runs
    WHERE project_id IN (SELECT project_id FROM runs WHERE id IN (SELECT id FROM wanted)) AND ${isOwn('runs')})
  SELECT id, number FROM numbered WHERE id IN (SELECT id FROM wanted)`

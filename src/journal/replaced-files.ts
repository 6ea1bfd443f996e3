// A run that goes on writes its files anew under the same paths: what the earlier rows tell of is not there any more.
// Journals of before did not say so, so whoever reads them says it.
import type { Database } from 'better-sqlite3'

const later = `FROM artifacts AS later WHERE later.run_id = artifacts.run_id AND later.path = artifacts.path
  AND later.created_at_ms > artifacts.created_at_ms`

/** When a file went, of the run's own row where it says so: for whoever reads rows of `artifacts` as a table. */
export const removedAt = `coalesce(removed_at_ms, (SELECT min(later.created_at_ms) ${later}))`

/** Notes of every file of the run that it wrote again later that it went then. */
export function markReplaced(db: Database, runId: string): void {
  const update = db.prepare<[string]>(
    `UPDATE artifacts SET removed_at_ms = (SELECT min(later.created_at_ms) ${later})
      WHERE run_id = ? AND removed_at_ms IS NULL AND EXISTS (SELECT 1 ${later})`,
  )
  update.run(runId)
}

/** Whether the run wrote this file again later. */
export const isReplaced = (db: Database, artifactId: string): boolean =>
  db
    .prepare<[string]>(`SELECT 1 FROM artifacts WHERE id = ? AND EXISTS (SELECT 1 ${later})`)
    .get(artifactId) !== undefined

interface KnownFile {
  readonly path: string
  readonly createdAtMs: number
  readonly removedAtMs: number | null
}

/** Files of one run, oldest first: each but the newest of its path went when the next one was written. */
export function withReplaced<T extends KnownFile>(files: readonly T[]): T[] {
  const nextAtMs = new Map<string, number>()
  const newestFirst = files.toReversed().map((file) => {
    const next = nextAtMs.get(file.path) ?? file.createdAtMs
    nextAtMs.set(file.path, file.createdAtMs)
    return file.removedAtMs === null && next > file.createdAtMs ? { ...file, removedAtMs: next } : file
  })
  return newestFirst.reverse()
}

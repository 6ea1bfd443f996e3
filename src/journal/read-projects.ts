// One project by its id, for questions and commands alike.
import type { Database } from 'better-sqlite3'
import { refuse } from './problems.ts'
import { first, sqlFor } from './query.ts'

/** The project's row; `project.unknown` where there is none, or where it was removed. */
export function requireProject(db: Database, id: string) {
  const found = sqlFor.selectFrom('projects').selectAll().where('id', '=', id)
  return (
    first(db, found.where('removed_at_ms', 'is', null)) ??
    refuse(
      'project.unknown',
      'There is no such project.',
      `project ${id}`,
      'Choose one from the list of projects.',
    )
  )
}

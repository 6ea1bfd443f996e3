// A journal whose rows were changed from outside: by a bad disk, or by a hand. Its own triggers would refuse the statement.
import Database from 'better-sqlite3'

/** Runs the statement with this trigger away for a moment; the schema is as before afterwards. */
export function forgeRows(path: string, trigger: string, statement: string, ...values: unknown[]): number {
  const db = new Database(path)
  try {
    const text = db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(trigger)
    db.exec(`DROP TRIGGER ${trigger}`)
    const { changes } = db.prepare<unknown[]>(statement).run(...values)
    db.exec(String(text))
    // The digest of the last closing is about the rows of that time.
    db.exec('UPDATE sessions SET contents_sha256 = NULL')
    return changes
  } finally {
    db.close()
  }
}

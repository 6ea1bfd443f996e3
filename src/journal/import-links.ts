// Where runs and studies of another journal come from: their own links, and the one that names the file they came in.
import type { WriterContext } from './command.ts'
import { type Copy, insertRow, rowsOf } from './import-rows.ts'

export function copyLinks(copy: Copy, id: string): void {
  for (const row of rowsOf(copy.from, 'links', 'run_id = ?', [id])) {
    const [known] = rowsOf(copy.to, 'links', 'run_id = ? AND kind = ? AND parent = ?', [
      id,
      row.kind,
      row.parent,
    ])
    if (known === undefined) insertRow(copy, 'links', row)
  }
}

export function markOrigin({ db, now }: WriterContext, id: string, origin: string | null): void {
  if (origin === null) return
  db.prepare(
    "INSERT INTO links (run_id, kind, parent, created_at_ms) VALUES (?, 'imported-from', ?, ?) ON CONFLICT DO NOTHING",
  ).run(id, origin.slice(0, 500), now())
}

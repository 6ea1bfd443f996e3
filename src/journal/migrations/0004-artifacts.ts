// Files that a run made, with their hashes. A file that is taken away keeps its row and gets the time of its removal.
import type { Migration } from './migration.ts'

export const artifacts: Migration = {
  version: 4,
  name: 'artifacts',
  statements: [
    `CREATE TABLE artifacts (
      id            TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
      run_id        TEXT NOT NULL REFERENCES runs (id),
      kind          TEXT NOT NULL CHECK (length(kind) > 0),
      path          TEXT NOT NULL CHECK (length(path) > 0),
      bytes         INTEGER NOT NULL CHECK (bytes >= 0),
      sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
      created_at_ms INTEGER NOT NULL CHECK (created_at_ms >= 0),
      removed_at_ms INTEGER CHECK (removed_at_ms >= 0)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX artifacts_by_run ON artifacts (run_id, created_at_ms, id)',
    `CREATE TRIGGER artifacts_never_vanish BEFORE DELETE ON artifacts
      BEGIN SELECT RAISE(ABORT, 'artifacts are never deleted, only marked as removed'); END`,
    `CREATE TRIGGER artifacts_only_removed BEFORE UPDATE OF id, run_id, kind, path, bytes, sha256, created_at_ms ON artifacts
      BEGIN SELECT RAISE(ABORT, 'artifacts never change, they are only marked as removed'); END`,
  ],
}

// What was measured, and every look into a locked test set. Like events these rows are written once and never changed.
// Kinds and subjects are checked by the commands, not here: a table that never changes must be able to hold later ones.
import type { Migration } from './migration.ts'

/** Triggers that refuse change, removal and replacement; `same` says when a stored row has the new row's key. */
const frozen = (table: string, same: string): string[] => [
  `CREATE TRIGGER ${table}_never_change BEFORE UPDATE ON ${table}
    BEGIN SELECT RAISE(ABORT, '${table} are append-only'); END`,
  `CREATE TRIGGER ${table}_never_vanish BEFORE DELETE ON ${table}
    BEGIN SELECT RAISE(ABORT, '${table} are append-only'); END`,
  `CREATE TRIGGER ${table}_never_replace BEFORE INSERT ON ${table}
    WHEN EXISTS (SELECT 1 FROM ${table} WHERE ${same})
    BEGIN SELECT RAISE(ABORT, '${table} are append-only'); END`,
]

export const proof: Migration = {
  version: 3,
  name: 'proof',
  statements: [
    `CREATE TABLE evaluations (
      id                  TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
      run_id              TEXT NOT NULL REFERENCES runs (id),
      kind                TEXT NOT NULL CHECK (length(kind) > 0),
      subject             TEXT NOT NULL CHECK (length(subject) > 0),
      created_at_ms       INTEGER NOT NULL CHECK (created_at_ms >= 0),
      dataset_fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint),
      metrics             TEXT NOT NULL CHECK (json_valid(metrics)),
      answer_count        INTEGER NOT NULL CHECK (answer_count >= 0),
      sha256              TEXT NOT NULL CHECK (length(sha256) = 64)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX evaluations_by_run ON evaluations (run_id, created_at_ms, id)',
    'CREATE INDEX evaluations_by_dataset ON evaluations (dataset_fingerprint, created_at_ms, id)',

    `CREATE TABLE answers (
      evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
      position      INTEGER NOT NULL CHECK (position >= 0),
      row_id        TEXT NOT NULL,
      expected      TEXT NOT NULL,
      answer        TEXT NOT NULL,
      scores        TEXT NOT NULL CHECK (json_valid(scores)),
      PRIMARY KEY (evaluation_id, position),
      UNIQUE (evaluation_id, row_id)
    ) STRICT, WITHOUT ROWID`,

    `CREATE TABLE comparisons (
      id            TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
      run_id        TEXT NOT NULL REFERENCES runs (id),
      created_at_ms INTEGER NOT NULL CHECK (created_at_ms >= 0),
      body          TEXT NOT NULL CHECK (json_valid(body)),
      sha256        TEXT NOT NULL CHECK (length(sha256) = 64)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX comparisons_by_run ON comparisons (run_id, created_at_ms, id)',

    `CREATE TABLE test_set_openings (
      id                  TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
      dataset_fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint),
      run_id              TEXT REFERENCES runs (id),
      purpose             TEXT NOT NULL CHECK (length(purpose) > 0),
      opened_at_ms        INTEGER NOT NULL CHECK (opened_at_ms >= 0)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX openings_by_dataset ON test_set_openings (dataset_fingerprint, opened_at_ms, id)',
    'CREATE INDEX openings_by_run ON test_set_openings (run_id, opened_at_ms, id)',

    ...frozen('evaluations', 'id = NEW.id'),
    ...frozen(
      'answers',
      'evaluation_id = NEW.evaluation_id AND (position = NEW.position OR row_id = NEW.row_id)',
    ),
    ...frozen('comparisons', 'id = NEW.id'),
    ...frozen('test_set_openings', 'id = NEW.id'),
  ],
}

// What a person has: projects, models and data sets. Also the journal's own diary of being opened and closed.
import type { Migration } from './migration.ts'

export const library: Migration = {
  version: 1,
  name: 'library',
  statements: [
    `CREATE TABLE sessions (
      id              INTEGER PRIMARY KEY,
      pid             INTEGER NOT NULL CHECK (pid > 0),
      opened_at_ms    INTEGER NOT NULL CHECK (opened_at_ms >= 0),
      closed_at_ms    INTEGER CHECK (closed_at_ms >= 0),
      sqlite_version  TEXT NOT NULL,
      contents_sha256 TEXT CHECK (length(contents_sha256) = 64)
    ) STRICT`,

    `CREATE TABLE projects (
      id            TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
      name          TEXT NOT NULL UNIQUE CHECK (length(name) > 0),
      scenario      TEXT NOT NULL CHECK (length(scenario) > 0),
      goal          TEXT NOT NULL DEFAULT '',
      created_at_ms INTEGER NOT NULL CHECK (created_at_ms >= 0)
    ) STRICT, WITHOUT ROWID`,

    `CREATE TABLE models (
      id             TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
      name           TEXT NOT NULL CHECK (length(name) > 0),
      source         TEXT NOT NULL,
      licence        TEXT NOT NULL,
      weights_sha256 TEXT NOT NULL CHECK (length(weights_sha256) = 64 AND weights_sha256 NOT GLOB '*[^0-9a-f]*'),
      parameters     INTEGER NOT NULL CHECK (parameters >= 0),
      added_at_ms    INTEGER NOT NULL CHECK (added_at_ms >= 0)
    ) STRICT, WITHOUT ROWID`,

    `CREATE TABLE datasets (
      fingerprint     TEXT NOT NULL PRIMARY KEY CHECK (length(fingerprint) > 0),
      scenario        TEXT NOT NULL CHECK (length(scenario) > 0),
      source_name     TEXT NOT NULL,
      manifest        TEXT NOT NULL CHECK (json_valid(manifest)),
      train_rows      INTEGER NOT NULL CHECK (train_rows >= 0),
      validation_rows INTEGER NOT NULL CHECK (validation_rows >= 0),
      test_rows       INTEGER NOT NULL CHECK (test_rows >= 0),
      left_out_rows   INTEGER NOT NULL CHECK (left_out_rows >= 0),
      added_at_ms     INTEGER NOT NULL CHECK (added_at_ms >= 0)
    ) STRICT, WITHOUT ROWID`,
  ],
}

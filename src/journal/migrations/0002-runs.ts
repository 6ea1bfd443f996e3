// Runs and what happened in them. Events are append-only: triggers refuse every change, and each event's hash covers the
// one before it, so that a later change is noticed even where a trigger was circumvented.
import type { Migration } from './migration.ts'

export const runs: Migration = {
  version: 2,
  name: 'runs',
  statements: [
    `CREATE TABLE runs (
      id                  TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
      project_id          TEXT NOT NULL REFERENCES projects (id),
      name                TEXT NOT NULL CHECK (length(name) > 0),
      status              TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'interrupted', 'finished', 'cancelled', 'failed', 'crashed')),
      scenario            TEXT NOT NULL CHECK (length(scenario) > 0),
      recipe              TEXT NOT NULL CHECK (json_valid(recipe)),
      model_id            TEXT NOT NULL REFERENCES models (id),
      dataset_fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint),
      seed                INTEGER NOT NULL CHECK (seed >= 0),
      backend             TEXT NOT NULL,
      device              TEXT NOT NULL CHECK (json_valid(device)),
      versions            TEXT NOT NULL CHECK (json_valid(versions)),
      determinism         TEXT,
      created_at_ms       INTEGER NOT NULL CHECK (created_at_ms >= 0),
      started_at_ms       INTEGER CHECK (started_at_ms >= 0),
      ended_at_ms         INTEGER CHECK (ended_at_ms >= 0),
      attempts            INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
      total_steps         INTEGER CHECK (total_steps >= 0),
      last_step           INTEGER CHECK (last_step >= 0),
      best_step           INTEGER CHECK (best_step >= 0),
      best_loss_nats      REAL,
      end_reason          TEXT CHECK (length(end_reason) > 0),
      adapter_sha256      TEXT CHECK (length(adapter_sha256) = 64),
      failure             TEXT CHECK (json_valid(failure)),
      notes               TEXT NOT NULL DEFAULT '',
      tags                TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags) AND json_type(tags) = 'array'),
      CHECK (status <> 'finished' OR (end_reason IS NOT NULL AND ended_at_ms IS NOT NULL)),
      CHECK (status NOT IN ('running', 'paused') OR attempts > 0)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX runs_by_created ON runs (created_at_ms, id)',
    'CREATE INDEX runs_by_project ON runs (project_id, created_at_ms, id)',
    'CREATE INDEX runs_by_status ON runs (status, created_at_ms, id)',
    'CREATE INDEX runs_by_model ON runs (model_id, created_at_ms, id)',
    'CREATE INDEX runs_by_dataset ON runs (dataset_fingerprint, created_at_ms, id)',
    'CREATE INDEX runs_by_started ON runs (started_at_ms, id)',
    'CREATE INDEX runs_by_ended ON runs (ended_at_ms, id)',
    'CREATE INDEX runs_by_name ON runs (name, id)',
    'CREATE INDEX runs_by_best_loss ON runs (best_loss_nats, id)',

    `CREATE TABLE events (
      run_id    TEXT NOT NULL REFERENCES runs (id),
      seq       INTEGER NOT NULL CHECK (seq >= 1),
      attempt   INTEGER NOT NULL CHECK (attempt >= 1),
      at_ms     INTEGER NOT NULL CHECK (at_ms >= 0),
      kind      TEXT NOT NULL CHECK (length(kind) > 0),
      body      TEXT NOT NULL CHECK (json_valid(body)),
      prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
      hash      BLOB NOT NULL CHECK (length(hash) = 32),
      PRIMARY KEY (run_id, seq)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TRIGGER events_never_change BEFORE UPDATE ON events
      BEGIN SELECT RAISE(ABORT, 'events are append-only'); END`,
    `CREATE TRIGGER events_never_vanish BEFORE DELETE ON events
      BEGIN SELECT RAISE(ABORT, 'events are append-only'); END`,
    `CREATE TRIGGER events_never_replace BEFORE INSERT ON events
      WHEN EXISTS (SELECT 1 FROM events WHERE run_id = NEW.run_id AND seq = NEW.seq)
      BEGIN SELECT RAISE(ABORT, 'events are append-only'); END`,
    `CREATE TRIGGER events_without_gaps BEFORE INSERT ON events
      WHEN NEW.seq <> 1 AND NOT EXISTS
        (SELECT 1 FROM events WHERE run_id = NEW.run_id AND seq = NEW.seq - 1 AND hash = NEW.prev_hash)
      BEGIN SELECT RAISE(ABORT, 'an event must follow the last one'); END`,
  ],
}

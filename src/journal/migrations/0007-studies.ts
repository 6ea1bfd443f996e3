// Searches over settings and their trials, what waits for its turn, where runs come from, a person's marks and views, and
// what checks of the journal found. What was decided for a trial, and how it ended, is written once and never changed.
// Kinds and statuses are checked by the commands, so that a later one needs no rebuilding of a table.
import type { Migration } from './migration.ts'

const utc = (column: string): string => `strftime('%Y-%m-%dT%H:%M:%SZ', ${column} / 1000, 'unixepoch')`

/** With a person's marks, so that a list without archived runs still reads nothing but an index. */
const runIndexes: readonly (readonly [name: string, columns: string])[] = [
  ['runs_by_created', 'created_at_ms, id'],
  ['runs_by_project', 'project_id, created_at_ms, id'],
  ['runs_by_status', 'status, created_at_ms, id'],
  ['runs_by_model', 'model_id, created_at_ms, id'],
  ['runs_by_dataset', 'dataset_fingerprint, created_at_ms, id'],
  ['runs_by_started', 'started_at_ms, id'],
  ['runs_by_ended', 'ended_at_ms, id'],
  ['runs_by_name', 'name, id'],
  ['runs_by_best_loss', 'best_loss_nats, id'],
]

const marks: readonly string[] = [
  'ALTER TABLE runs ADD COLUMN rating INTEGER CHECK (rating BETWEEN 1 AND 5)',
  'ALTER TABLE runs ADD COLUMN pinned_at_ms INTEGER CHECK (pinned_at_ms >= 0)',
  'ALTER TABLE runs ADD COLUMN archived_at_ms INTEGER CHECK (archived_at_ms >= 0)',
  ...runIndexes.flatMap(([name, columns]) => [
    `DROP INDEX ${name}`,
    `CREATE INDEX ${name} ON runs (${columns}, removed_at_ms, archived_at_ms, pinned_at_ms)`,
  ]),
  'CREATE INDEX runs_by_rating ON runs (rating, created_at_ms, id, removed_at_ms, archived_at_ms, pinned_at_ms)',
]

const studyTables: readonly string[] = [
  `CREATE TABLE studies (
    id            TEXT NOT NULL PRIMARY KEY CHECK (length(id) > 0),
    project_id    TEXT NOT NULL REFERENCES projects (id),
    name          TEXT NOT NULL CHECK (length(name) > 0),
    status        TEXT NOT NULL CHECK (length(status) > 0),
    spec          TEXT NOT NULL CHECK (json_valid(spec)),
    schedule      TEXT CHECK (json_valid(schedule)),
    priority      INTEGER NOT NULL,
    notes         TEXT NOT NULL DEFAULT '',
    reason        TEXT,
    worked_ms     INTEGER NOT NULL DEFAULT 0 CHECK (worked_ms >= 0),
    created_at_ms INTEGER NOT NULL CHECK (created_at_ms >= 0),
    started_at_ms INTEGER CHECK (started_at_ms >= 0),
    ended_at_ms   INTEGER CHECK (ended_at_ms >= 0),
    removed_at_ms INTEGER CHECK (removed_at_ms >= 0)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX studies_by_created ON studies (created_at_ms, id)',
  'CREATE INDEX studies_by_project ON studies (project_id, created_at_ms, id)',
  'CREATE INDEX studies_by_ended ON studies (ended_at_ms, id)',
  `CREATE TRIGGER studies_never_vanish BEFORE DELETE ON studies
    BEGIN SELECT RAISE(ABORT, 'studies are never deleted, only marked as removed'); END`,
  `CREATE TRIGGER studies_never_replace BEFORE INSERT ON studies
    WHEN EXISTS (SELECT 1 FROM studies WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'studies are never replaced'); END`,
  `CREATE TRIGGER studies_keep_their_spec BEFORE UPDATE OF id, project_id, spec, created_at_ms ON studies
    BEGIN SELECT RAISE(ABORT, 'what decides a study never changes'); END`,

  `CREATE TABLE trials (
    study_id      TEXT NOT NULL REFERENCES studies (id),
    number        INTEGER NOT NULL CHECK (number >= 0),
    purpose       TEXT NOT NULL CHECK (length(purpose) > 0),
    settings      TEXT NOT NULL CHECK (json_valid(settings)),
    seed          INTEGER NOT NULL CHECK (seed >= 0),
    rungs         TEXT NOT NULL CHECK (json_valid(rungs)),
    status        TEXT NOT NULL CHECK (length(status) > 0),
    run_id        TEXT UNIQUE REFERENCES runs (id),
    loss_nats     REAL,
    loss_step     INTEGER CHECK (loss_step >= 0),
    rung_losses   TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(rung_losses)),
    reason        TEXT,
    work          TEXT CHECK (json_valid(work)),
    created_at_ms INTEGER NOT NULL CHECK (created_at_ms >= 0),
    ended_at_ms   INTEGER CHECK (ended_at_ms >= 0),
    PRIMARY KEY (study_id, number),
    CHECK ((status = 'planned') = (ended_at_ms IS NULL))
  ) STRICT, WITHOUT ROWID`,
  `CREATE TRIGGER trials_never_vanish BEFORE DELETE ON trials
    BEGIN SELECT RAISE(ABORT, 'trials are never deleted'); END`,
  `CREATE TRIGGER trials_never_replace BEFORE INSERT ON trials
    WHEN EXISTS (SELECT 1 FROM trials
      WHERE (study_id = NEW.study_id AND number = NEW.number) OR run_id = NEW.run_id)
    BEGIN SELECT RAISE(ABORT, 'a trial is decided once and never replaced'); END`,
  `CREATE TRIGGER trials_without_gaps BEFORE INSERT ON trials
    WHEN NEW.number <> 0 AND NOT EXISTS
      (SELECT 1 FROM trials WHERE study_id = NEW.study_id AND number = NEW.number - 1)
    BEGIN SELECT RAISE(ABORT, 'a trial must follow the last one'); END`,
  `CREATE TRIGGER trials_keep_their_decision
    BEFORE UPDATE OF study_id, number, purpose, settings, seed, rungs, run_id, created_at_ms ON trials
    BEGIN SELECT RAISE(ABORT, 'what was decided for a trial never changes'); END`,
  `CREATE TRIGGER trials_end_once BEFORE UPDATE ON trials WHEN OLD.status <> 'planned'
    BEGIN SELECT RAISE(ABORT, 'a trial ends once and never changes after'); END`,
]

const otherTables: readonly string[] = [
  `CREATE TABLE queue (
    kind        TEXT NOT NULL CHECK (length(kind) > 0),
    id          TEXT NOT NULL CHECK (length(id) > 0),
    priority    INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    added_at_ms INTEGER NOT NULL CHECK (added_at_ms >= 0),
    PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID`,

  `CREATE TABLE links (
    run_id        TEXT NOT NULL CHECK (length(run_id) > 0),
    kind          TEXT NOT NULL CHECK (length(kind) > 0),
    parent        TEXT NOT NULL CHECK (length(parent) > 0),
    created_at_ms INTEGER NOT NULL CHECK (created_at_ms >= 0),
    PRIMARY KEY (run_id, kind, parent)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX links_by_parent ON links (parent, created_at_ms)',
  `CREATE TRIGGER links_never_change BEFORE UPDATE ON links
    BEGIN SELECT RAISE(ABORT, 'links are append-only'); END`,
  `CREATE TRIGGER links_never_replace BEFORE INSERT ON links
    WHEN EXISTS (SELECT 1 FROM links WHERE run_id = NEW.run_id AND kind = NEW.kind AND parent = NEW.parent)
    BEGIN SELECT RAISE(IGNORE); END`,
  `CREATE TRIGGER links_never_vanish BEFORE DELETE ON links
    BEGIN SELECT RAISE(ABORT, 'links are append-only'); END`,

  `CREATE TABLE saved_views (
    name        TEXT NOT NULL PRIMARY KEY CHECK (length(name) > 0),
    query       TEXT NOT NULL CHECK (json_valid(query)),
    saved_at_ms INTEGER NOT NULL CHECK (saved_at_ms >= 0)
  ) STRICT, WITHOUT ROWID`,

  `CREATE TABLE journal_checks (
    id       INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL CHECK (at_ms >= 0),
    is_sound INTEGER NOT NULL CHECK (is_sound IN (0, 1)),
    findings TEXT NOT NULL CHECK (json_valid(findings)),
    took_ms  INTEGER NOT NULL CHECK (took_ms >= 0)
  ) STRICT`,
]

const stableViews: readonly string[] = [
  `CREATE VIEW v_studies AS
    SELECT s.id AS study, p.name AS project, s.name AS name, s.status AS status,
      s.spec ->> '$.sampler' AS sampler, s.spec ->> '$.seed' AS seed, s.spec AS spec,
      (SELECT count(*) FROM trials t WHERE t.study_id = s.id) AS trials,
      (SELECT min(t.loss_nats) FROM trials t
        WHERE t.study_id = s.id AND t.status = 'complete' AND t.purpose = 'search') AS best_loss_nats,
      s.worked_ms AS worked_ms, ${utc('s.created_at_ms')} AS created_utc,
      ${utc('s.started_at_ms')} AS started_utc, ${utc('s.ended_at_ms')} AS ended_utc,
      s.reason AS reason, s.notes AS notes
    FROM studies s JOIN projects p ON p.id = s.project_id`,
  `CREATE VIEW v_trials AS
    SELECT study_id AS study, number, purpose, status, run_id AS run, settings, seed, loss_nats, loss_step,
      work ->> '$.durationMs' AS duration_ms, reason,
      ${utc('created_at_ms')} AS created_utc, ${utc('ended_at_ms')} AS ended_utc
    FROM trials`,
  `CREATE VIEW v_queue AS
    SELECT row_number() OVER (ORDER BY priority DESC, place) AS position, kind, id, priority,
      ${utc('added_at_ms')} AS added_utc
    FROM queue`,
  `CREATE VIEW v_links AS
    SELECT run_id AS run, kind, parent, ${utc('created_at_ms')} AS created_utc FROM links`,
]

export const studies: Migration = {
  version: 7,
  name: 'studies',
  // Each list runs as one statement of the step: all of them are one transaction anyway.
  statements: [marks, studyTables, otherTables, stableViews].map((list) => list.join(';\n')),
}

// Stable views for anyone with any SQLite tool: plain column names, times as text in UTC. Described in docs/journal.md.
import type { Migration } from './migration.ts'

const utc = (column: string): string => `strftime('%Y-%m-%dT%H:%M:%SZ', ${column} / 1000, 'unixepoch')`

export const views: Migration = {
  version: 5,
  name: 'views',
  statements: [
    `CREATE VIEW v_runs AS
      SELECT r.id AS run, p.name AS project, r.name AS name, r.status AS status, r.scenario AS scenario,
        m.name AS model, r.dataset_fingerprint AS dataset, d.source_name AS data_file, r.seed AS seed,
        r.backend AS backend, r.determinism AS determinism, r.attempts AS attempts,
        r.last_step AS last_step, r.total_steps AS total_steps,
        r.best_step AS best_step, r.best_loss_nats AS best_loss_nats,
        ${utc('r.created_at_ms')} AS created_utc, ${utc('r.started_at_ms')} AS started_utc,
        ${utc('r.ended_at_ms')} AS ended_utc,
        r.end_reason AS end_reason, r.failure ->> '$.message' AS failure,
        r.adapter_sha256 AS adapter_sha256, r.notes AS notes, r.tags AS tags
      FROM runs r
      JOIN projects p ON p.id = r.project_id
      JOIN models m ON m.id = r.model_id
      JOIN datasets d ON d.fingerprint = r.dataset_fingerprint`,

    `CREATE VIEW v_events AS
      SELECT run_id AS run, seq, attempt, ${utc('at_ms')} AS at_utc, kind, body, lower(hex(hash)) AS hash
      FROM events`,

    // One row for each step and each kind of loss: where a step was run twice, the latest attempt's.
    `CREATE VIEW v_curve AS
      SELECT run, step, part, loss_nats, learning_rate, grad_norm, attempt FROM (
        SELECT run_id AS run, body ->> '$.step' AS step,
          CASE kind WHEN 'step' THEN 'train' ELSE 'validation' END AS part,
          body ->> '$.lossNats' AS loss_nats, body ->> '$.learningRate' AS learning_rate,
          body ->> '$.gradNorm' AS grad_norm, attempt,
          row_number() OVER (PARTITION BY run_id, kind, body ->> '$.step' ORDER BY seq DESC) AS newest
        FROM events WHERE kind IN ('step', 'evaluation'))
      WHERE newest = 1`,

    `CREATE VIEW v_answers AS
      SELECT e.run_id AS run, e.subject AS subject, e.id AS evaluation, a.position AS position, a.row_id AS row_id,
        a.expected AS expected, a.answer AS answer, a.scores AS scores
      FROM answers a JOIN evaluations e ON e.id = a.evaluation_id`,

    `CREATE VIEW v_test_set_openings AS
      SELECT dataset_fingerprint AS dataset, run_id AS run, purpose, ${utc('opened_at_ms')} AS opened_utc
      FROM test_set_openings`,

    `CREATE VIEW v_artifacts AS
      SELECT run_id AS run, kind, path, bytes, sha256, ${utc('created_at_ms')} AS created_utc,
        ${utc('removed_at_ms')} AS removed_utc
      FROM artifacts`,
  ],
}

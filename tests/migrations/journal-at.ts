// Journals as earlier versions left them: a real file at schema version n, with rows of that time in it.
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { openForReading, openForWriting } from '#journal/connection.ts'
import { chainStart, hashEvent, hashTexts } from '#journal/hash-chain.ts'
import { migrate } from '#journal/migrate.ts'
import { migrations } from '#journal/migrations/all.ts'
import { temporaryFolder } from '../journal/support/folders.ts'

const sha = 'a'.repeat(64)

/** What decided a search at version 7. */
const spec = `{"version":1,"base":{"version":1,"model":{"id":"starter","weightsSha256":"${sha}"},"data":{"fingerprint":"print-1"},"before":null,"scenario":"classification","instruction":"Sort it.","method":{"kind":"lora","rank":8,"alpha":16,"targets":["q_proj"],"topLayers":null,"scaling":"standard","decomposed":false,"base":"float"},"optimizer":{"kind":"adamw","learningRate":0.0002,"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"weightDecay":0.01,"clipNorm":1,"layerDecay":1},"regularisation":{"neftuneAlpha":null,"labelSmoothing":0,"averaging":null},"schedule":{"kind":"cosine","warmupShare":0.05},"batch":{"microRows":8,"accumulation":1,"maxTokens":512,"rowsAtOnce":null,"packing":true},"duration":{"epochs":3,"maxSteps":null},"evaluation":{"everySteps":null,"atShares":null,"mostRows":null,"patience":3,"minImprovementNats":0.001},"checkpoints":{"everySeconds":120,"everySteps":null,"keepLast":3},"gradientCheckpointing":true,"reuseFrozenLayers":false,"seed":42,"threads":2,"device":"cpu"},"space":[{"kind":"whole","path":"method.rank","low":4,"high":64,"isLog":false,"onlyWhen":null}],"sampler":"random","startupTrials":10,"budget":{"trials":5,"workMs":null,"untilMs":null},"pruning":null,"seed":3,"confirmSeeds":3,"parallel":1,"priors":[]}`

/** Rows that a journal of the given version could hold, written by hand: never through today's commands. */
const rowsSince: readonly ((db: Database) => void)[] = [
  (db) => {
    db.exec(`INSERT INTO sessions VALUES (1, 77, 1000, 2000, '3.54.1', NULL)`)
    db.exec(`INSERT INTO projects VALUES ('project-1', 'Mail', 'classification', 'Sort it', 1000)`)
    db.exec(`INSERT INTO models VALUES ('starter', 'Starter', 'file', 'Apache-2.0', '${sha}', 135, 1000)`)
    db.exec(
      `INSERT INTO datasets VALUES ('print-1', 'classification', 'mail.csv', '{"a":[1]}', 8, 1, 1, 0, 1000)`,
    )
  },
  (db) => {
    db.prepare(
      `INSERT INTO runs (id, project_id, name, status, scenario, recipe, model_id, dataset_fingerprint, seed, backend,
        device, versions, created_at_ms, started_at_ms, attempts, tags)
       VALUES ('run-1', 'project-1', 'Old run', 'interrupted', 'classification', '{}', 'starter', 'print-1', 7, 'onnx-cpu',
        '{}', '{}', 1500, 1600, 1, '["old"]')`,
    ).run()
    let previous: Uint8Array = chainStart
    for (let seq = 1; seq <= 5; seq++) {
      const kind = seq === 4 ? 'evaluation' : 'step'
      const bodyText = JSON.stringify({ step: seq, lossNats: 1 / seq })
      const event = { runId: 'run-1', seq, attempt: 1, atMs: 1600 + seq, kind, bodyText }
      const hash = hashEvent(previous, event)
      db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
        'run-1',
        seq,
        1,
        event.atMs,
        kind,
        bodyText,
        previous,
        hash,
      )
      previous = hash
    }
  },
  (db) => {
    const head = ['run-1', 'proof', 'base', 1700, 'print-1', '{"accuracy":0.5}'] as const
    const answer = ['row-1', 'billing', 'returns', '{"exact":0}'] as const
    db.prepare('INSERT INTO evaluations VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)').run(
      'evaluation-1',
      ...head,
      hashTexts([...head, ...answer]),
    )
    db.prepare('INSERT INTO answers VALUES (?, 0, ?, ?, ?, ?)').run('evaluation-1', ...answer)
    db.prepare('INSERT INTO comparisons VALUES (?, ?, ?, ?, ?)').run(
      'comparison-1',
      'run-1',
      1800,
      '{"verdict":"better"}',
      hashTexts(['run-1', 1800, '{"verdict":"better"}']),
    )
    db.exec(`INSERT INTO test_set_openings VALUES ('opening-1', 'print-1', 'run-1', 'proof', 1650)`)
  },
  (db) => {
    db.exec(
      `INSERT INTO artifacts VALUES ('artifact-1', 'run-1', 'adapter', 'runs/run-1/adapter', 9, '${sha}', 1900, NULL)`,
    )
  },
  () => {},
  (db) => {
    db.exec(`INSERT INTO projects VALUES ('project-2', 'Post (removed)', 'classification', '', 1000, 2000)`)
  },
  (db) => {
    db.exec(`UPDATE runs SET rating = 4, pinned_at_ms = 2100 WHERE id = 'run-1'`)
    db.exec(
      `INSERT INTO studies VALUES ('study-1', 'project-1', 'A night', 'stopped', '${spec}', NULL, 0, 'notes', NULL, 5,
        2200, 2300, 2400, NULL)`,
    )
    db.exec(
      `INSERT INTO trials VALUES
        ('study-1', 0, 'search', '{"method.rank":8}', 3, '[]', 'complete', 'run-1', 0.25, 4, '[]', NULL, NULL, 2250, 2390),
        ('study-1', 1, 'search', '{"method.rank":16}', 3, '[]', 'skipped', NULL, NULL, NULL, '[]', 'No room.', NULL, 2250, 2390)`,
    )
    db.exec(`INSERT INTO queue VALUES ('run', 'run-1', 1, 1, 2500)`)
    db.exec(`INSERT INTO links VALUES ('run-1', 'winner-of', 'study-1', 2600)`)
    db.exec(`INSERT INTO saved_views VALUES ('Good ones', '{"minRating":4}', 2700)`)
    db.exec(`INSERT INTO journal_checks VALUES (1, 2800, 1, '[]', 12)`)
  },
  () => {},
]

/** A journal file at this schema version, closed, holding every row that the version can hold. */
export function journalAt(version: number): string {
  const path = join(temporaryFolder(), 'journal.db')
  const db = openForWriting(path)
  for (const [index, insert] of rowsSince.slice(0, version).entries()) {
    migrate(db, path, {}, migrations.slice(0, index + 1))
    insert(db)
  }
  db.close()
  return path
}

/** Looks into a journal file beside our reader. */
export function readRaw<T>(path: string, work: (db: Database) => T): T {
  const db = openForReading(path)
  try {
    return work(db)
  } finally {
    db.close()
  }
}

/** Every row of a journal file, as text. */
export const rowsOf = (path: string): Record<string, unknown[]> => readRaw(path, (db) => dumpRows(db))

/** Every row of every table but the two that note openings and upgrades, as text; of later columns nothing. */
export function dumpRows(
  db: Database,
  columns: Readonly<Record<string, readonly string[]>> = columnsOf(db),
): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(columns).map(([table, names]) => [
      table,
      db
        .prepare(`SELECT ${names.join(', ')} FROM ${table}`)
        .all()
        .map((row) =>
          JSON.stringify(row, (_, value) =>
            value?.type === 'Buffer' ? Buffer.from(value.data).toString('hex') : value,
          ),
        ),
    ]),
  )
}

/** The columns of every table that `dumpRows` reads. */
export const columnsOf = (db: Database): Record<string, string[]> =>
  Object.fromEntries(
    tablesOf(db).map((table) => [
      table,
      db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[],
    ]),
  )

const tablesOf = (db: Database): string[] =>
  (
    db
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
      )
      .pluck()
      .all() as string[]
  ).filter((name) => name !== 'sessions' && name !== 'migrations')

/** The whole schema as text, in a fixed order. */
export const schemaOf = (db: Database): unknown[] =>
  db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all()

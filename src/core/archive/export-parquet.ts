// The journal as Parquet tables for pandas, Polars, DuckDB or Spark: runs, settings, one long table of metrics, answers,
// verdicts, searches. Texts of any JSON value stand in columns that say so.
import { encodeParquet, type ParquetColumn, type ParquetRow } from '#formats/parquet-writer.ts'
import { appVersion } from '../system/app-version.ts'
import { type ExportWork, flatSettings, shownRuns } from './export-work.ts'

const text = (name: string): ParquetColumn => ({ name, kind: 'text' })
const whole = (name: string): ParquetColumn => ({ name, kind: 'whole' })
const number = (name: string): ParquetColumn => ({ name, kind: 'number' })
const time = (name: string): ParquetColumn => ({ name, kind: 'time' })
const json = (name: string): ParquetColumn => ({ name, kind: 'json' })
const maybe = (column: ParquetColumn): ParquetColumn => ({ ...column, isOptional: true })

const tables = {
  runs: [
    ...[text('run_id'), text('name'), text('project_id'), text('project'), text('status'), text('scenario')],
    ...[text('model_id'), text('dataset_fingerprint'), whole('seed'), text('backend')],
    ...[
      maybe(text('determinism')),
      whole('attempts'),
      maybe(whole('total_steps')),
      maybe(whole('last_step')),
    ],
    ...[maybe(whole('best_step')), maybe(number('best_loss_nats')), maybe(text('end_reason'))],
    ...[
      maybe(text('adapter_sha256')),
      time('created_at'),
      maybe(time('started_at')),
      maybe(time('ended_at')),
    ],
    ...[
      maybe(whole('rating')),
      text('notes'),
      json('tags'),
      json('recipe'),
      json('device'),
      json('versions'),
    ],
  ],
  settings: [text('run_id'), text('path'), text('value')],
  metrics: [
    ...[text('run_id'), text('part'), whole('step'), whole('attempt'), time('at'), number('loss_nats')],
    ...[maybe(number('epoch')), maybe(number('learning_rate')), maybe(number('grad_norm'))],
    ...[whole('labelled_tokens'), maybe(whole('tokens_seen')), number('duration_ms')],
  ],
  answers: [
    ...[text('run_id'), text('evaluation_id'), text('subject'), whole('position'), text('row_id')],
    ...[text('expected'), text('answer'), json('scores')],
  ],
  comparisons: [text('run_id'), time('created_at'), maybe(text('verdict')), json('body')],
  studies: [
    ...[text('study_id'), text('name'), text('project_id'), text('status'), time('created_at')],
    ...[maybe(time('started_at')), maybe(time('ended_at')), whole('worked_ms'), text('notes'), json('spec')],
  ],
  trials: [
    ...[
      text('study_id'),
      whole('number'),
      text('purpose'),
      text('status'),
      maybe(text('run_id')),
      whole('seed'),
    ],
    ...[maybe(number('loss_nats')), maybe(whole('loss_step')), maybe(text('reason')), time('created_at')],
    ...[maybe(time('ended_at')), json('settings'), json('rung_losses'), maybe(json('work'))],
  ],
} as const satisfies Readonly<Record<string, readonly ParquetColumn[]>>
type Table = keyof typeof tables

export async function exportParquet(work: ExportWork): Promise<void> {
  const { archive, runIds, write, signal, tell } = work
  const total = archive.count('events', runIds) + archive.count('answers', runIds)
  let done = 0
  const told = function* (rows: Iterable<ParquetRow>): Generator<ParquetRow> {
    for (const row of rows) {
      done += 1
      if (done % 1000 === 0) {
        signal.throwIfAborted()
        tell('Writing Parquet', done, Math.max(total, done))
      }
      yield row
    }
  }
  const rows: Readonly<Record<Table, Iterable<ParquetRow>>> = {
    runs: runRows(work),
    settings: settingRows(work),
    metrics: metricRows(work),
    answers: answerRows(work),
    comparisons: comparisonRows(work),
    studies: snakeRows(archive.rows('studies', runIds), 'study_id'),
    trials: snakeRows(archive.rows('trials', runIds)),
  }
  for (const table of Object.keys(tables) as Table[]) {
    signal.throwIfAborted()
    tell('Writing Parquet', done, Math.max(total, done))
    await write(
      `${table}.parquet`,
      encodeParquet(tables[table], told(rows[table]), `tunewright ${appVersion}`),
    )
  }
  await write('README.md', readme)
}

/** Names as in the tables: `createdAtMs` becomes `created_at`; an id of its own gets the table's name. */
function snake(row: Readonly<Record<string, unknown>>, idName = 'id'): ParquetRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const plain = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/_at_ms$/, '_at')
      return [plain === 'id' ? idName : plain, value]
    }),
  )
}

function* snakeRows(
  rows: Iterable<Readonly<Record<string, unknown>>>,
  idName?: string,
): Generator<ParquetRow> {
  for (const row of rows) if ((row.removedAtMs ?? null) === null) yield snake(row, idName)
}

function* runRows(work: ExportWork): Generator<ParquetRow> {
  for (const run of shownRuns(work)) yield { ...snake({ ...run }, 'run_id'), project: run.projectName }
}

function* settingRows(work: ExportWork): Generator<ParquetRow> {
  for (const { id, recipe } of shownRuns(work))
    for (const [path, value] of flatSettings(recipe)) yield { run_id: id, path, value }
}

function* metricRows(work: ExportWork): Generator<ParquetRow> {
  for (const { id } of shownRuns(work))
    for (const { atMs, ...point } of work.archive.points(id)) yield { run_id: id, at: atMs, ...snake(point) }
}

function* answerRows({ archive, runIds }: ExportWork): Generator<ParquetRow> {
  const measured = new Map<unknown, ParquetRow>()
  for (const { id, runId, subject } of archive.rows('evaluations', runIds))
    measured.set(id, { run_id: runId, subject })
  for (const row of archive.rows('answers', runIds))
    yield { ...measured.get(row.evaluationId), ...snake(row) }
}

function* comparisonRows({ archive, runIds }: ExportWork): Generator<ParquetRow> {
  for (const row of archive.rows('comparisons', runIds)) {
    const { verdict } = row.body as { readonly verdict?: { readonly kind?: string } }
    yield { ...snake(row), verdict: verdict?.kind }
  }
}

const readme = `# A Tunewright journal as Parquet

| file | a row is |
| --- | --- |
| \`runs.parquet\` | a run; \`recipe\`, \`device\`, \`versions\` and \`tags\` are JSON texts |
| \`settings.parquet\` | one setting of a run's recipe, by its path |
| \`metrics.parquet\` | one measured point of a run: \`part\` is \`train\` (an optimizer step) or \`validation\`. Where a step was computed again after an interruption, only the later one |
| \`answers.parquet\` | an answer to a locked test row, before (\`base\`) or after (\`tuned\`) the training |
| \`comparisons.parquet\` | a proof: base against tuned, \`body\` with differences and 95 % intervals |
| \`studies.parquet\`, \`trials.parquet\` | searches over settings, and their trials |

Losses are nats, times are UTC. Runs that were removed are left out.

\`\`\`python
import pandas as pd
metrics = pd.read_parquet("metrics.parquet")
metrics[metrics.part == "validation"].pivot_table(index="step", columns="run_id", values="loss_nats")
\`\`\`

\`\`\`sql
-- DuckDB
SELECT r.name, min(m.loss_nats) FROM 'metrics.parquet' m JOIN 'runs.parquet' r USING (run_id)
WHERE m.part = 'validation' GROUP BY r.name ORDER BY 2;
\`\`\`
`

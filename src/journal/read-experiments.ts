// The table of experiments: runs with the settings and the newest result that a person compares them by.
import type { Database } from 'better-sqlite3'
import type { ExperimentRow } from '#shared/contract/results.ts'
import { plainSummary, proofFigures, recipeFigures } from '#shared/experiment-figures.ts'
import type { RunSummary } from '#shared/journal-types.ts'
import type { Interval } from '#shared/proof-protocol.ts'
import { listPinnedFirst } from './page-runs.ts'
import { all, sqlFor } from './query.ts'
import { readJson } from './read-json.ts'
import { assertWrittenComparison, type ComparisonRow } from './read-proof.ts'
import { readRunNumbers } from './read-run-numbers.ts'
import { getRun } from './read-runs.ts'

export interface ExperimentPage {
  readonly rows: readonly ExperimentRow[]
  readonly total: number
}

/** One page of runs (`query` as of listRuns; pinned ones first), each with its settings and its newest proof. */
export function listExperiments(db: Database, query: unknown): ExperimentPage {
  return db.transaction(() => {
    const { runs, total } = listPinnedFirst(db, query)
    return { rows: withFigures(db, runs), total }
  })()
}

/** One run as the table shows it; throws run.unknown where there is none with this id. */
export function readExperiment(db: Database, runId: unknown): ExperimentRow {
  return db.transaction(() => {
    const run = plainSummary.parse(getRun(db, runId))
    return withFigures(db, [run])[0] as ExperimentRow
  })()
}

function withFigures(db: Database, runs: readonly RunSummary[]): ExperimentRow[] {
  const ids = runs.map(({ id }) => id)
  const details = new Map(all(db, detailsQuery(ids)).map((row) => [row.id, row]))
  const proofs = new Map(all(db, proofsQuery(ids)).map((row) => [row.run_id, row]))
  const numbers = readRunNumbers(db, ids)
  return runs.map((run): ExperimentRow => {
    const row = details.get(run.id)
    const found = recipeFigures.safeParse(row === undefined ? {} : readJson(row.recipe))
    const recipe = found.success ? found.data : {}
    const { startedAtMs, endedAtMs } = run
    const batch = recipe.batch ?? null
    return {
      ...run,
      number: numbers.get(run.id) ?? null,
      notes: row?.notes ?? '',
      method: recipe.method?.kind ?? '',
      rank: recipe.method?.rank ?? null,
      learningRate: recipe.optimizer?.learningRate ?? null,
      epochs: recipe.duration?.epochs ?? null,
      batchRows: batch === null ? null : batch.microRows * batch.accumulation,
      device: recipe.device ?? null,
      durationMs: startedAtMs === null || endedAtMs === null ? null : endedAtMs - startedAtMs,
      proof: proofOf(proofs.get(run.id)),
    }
  })
}

const detailsQuery = (ids: readonly string[]) =>
  sqlFor.selectFrom('runs').select(['id', 'recipe', 'notes']).where('id', 'in', ids)

/** The comparisons of these runs, oldest first: of several the newest stands in a map. */
const proofsQuery = (ids: readonly string[]) =>
  sqlFor
    .selectFrom('comparisons')
    .select(['id', 'run_id', 'created_at_ms', 'body', 'sha256'])
    .where('run_id', 'in', ids)
    .orderBy('run_id')
    .orderBy('created_at_ms')
    .orderBy('id')

function proofOf(row: ComparisonRow | undefined): ExperimentRow['proof'] {
  if (row === undefined) return null
  assertWrittenComparison(row)
  const found = proofFigures.safeParse(readJson(row.body))
  if (!found.success) return null
  const { metric, baseline, tuned, verdict: judged } = found.data
  const plain = ({ value, low, high }: Interval) => ({ value, low, high })
  return {
    metric,
    base: plain(baseline),
    tuned: plain(tuned),
    verdict: judged.kind,
    provedAtMs: row.created_at_ms,
  }
}

/** What the table can be filtered by. */
export function readFacets(db: Database) {
  const projects = sqlFor.selectFrom('projects').select(['id', 'name']).where('removed_at_ms', 'is', null)
  const models = sqlFor.selectFrom('models').select(['id', 'name'])
  const tags = db
    .prepare(
      'SELECT DISTINCT json_each.value FROM runs, json_each(runs.tags) WHERE runs.removed_at_ms IS NULL ORDER BY 1',
    )
    .pluck()
    .all() as string[]
  return {
    tags,
    projects: all(db, projects.orderBy('name').orderBy('id')),
    models: all(db, models.orderBy('name').orderBy('id')),
  }
}

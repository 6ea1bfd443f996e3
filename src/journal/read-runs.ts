// Reading runs: one page of a list, and one run in full.
import type { Database } from 'better-sqlite3'
import { type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import { rowReference, runQuery } from '#shared/journal-commands.ts'
import type { RunDetail, RunSummary } from '#shared/journal-types.ts'
import { type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import type { Problem } from '#shared/result.ts'
import { checkInput } from './check-input.ts'
import { headOf } from './event-commands.ts'
import { refuseUnknownRun } from './problems.ts'
import { all, first, sqlFor } from './query.ts'
import { DamagedValueError, readJson } from './read-json.ts'
import type { RunsTable } from './tables.ts'

type CheckedQuery = ReturnType<typeof runQuery.parse>

export interface RunPage {
  readonly runs: readonly RunSummary[]
  /** Runs that the filter finds, on all pages. */
  readonly total: number
}

const sortColumns = {
  created: 'runs.created_at_ms',
  started: 'runs.started_at_ms',
  ended: 'runs.ended_at_ms',
  name: 'runs.name',
  status: 'runs.status',
  bestLoss: 'runs.best_loss_nats',
} as const satisfies Record<CheckedQuery['sort'], `runs.${keyof RunsTable}`>

const summaryColumns = [
  'runs.id',
  'runs.project_id',
  'projects.name as project_name',
  'runs.name',
  'runs.status',
  'runs.scenario',
  'runs.model_id',
  'models.name as model_name',
  'runs.dataset_fingerprint',
  'runs.seed',
  'runs.backend',
  'runs.created_at_ms',
  'runs.started_at_ms',
  'runs.ended_at_ms',
  'runs.attempts',
  'runs.total_steps',
  'runs.last_step',
  'runs.best_step',
  'runs.best_loss_nats',
  'runs.failure',
  'runs.tags',
] as const

/** One page of the runs that `input` asks for. Runs without a value to sort by come last in either order. */
export function listRuns(db: Database, input: unknown): RunPage {
  const query = checkInput(runQuery, input, 'list of runs')
  return db.transaction(() => {
    const { total } = first(db, countQuery(query)) as { total: number }
    return { runs: all(db, listQuery(query)).map(toSummary), total }
  })()
}

/** The rows of one page. To SQLite a cross join is an order: first the page, then its runs. Apart, for tests of the plan. */
export const listQuery = (query: CheckedQuery) =>
  inOrder(
    sqlFor
      .selectFrom(pageQuery(query).as('page'))
      .crossJoin('runs')
      .whereRef('runs.id', '=', 'page.id')
      .innerJoin('projects', 'projects.id', 'runs.project_id')
      .innerJoin('models', 'models.id', 'runs.model_id')
      .select(summaryColumns),
    query,
  )

/** Ids of the page's runs: the runs before a late page are counted in an index, not read and joined. */
export const pageQuery = (query: CheckedQuery) =>
  inOrder(filtered(query).select('runs.id'), query).limit(query.limit).offset(query.offset)

function inOrder<DB, TB extends keyof DB, O>(
  found: SelectQueryBuilder<DB, TB, O>,
  { sort, order }: CheckedQuery,
) {
  const direction = order === 'descending' ? 'desc' : 'asc'
  const sorted = found.orderBy(sql.ref(sortColumns[sort]), (by) =>
    direction === 'desc' ? by.desc() : by.asc().nullsLast(),
  )
  const aged = sort === 'status' ? sorted.orderBy(sql.ref(sortColumns.created), direction) : sorted
  return aged.orderBy(sql.ref('runs.id'), direction)
}

export const countQuery = (query: CheckedQuery) =>
  filtered(query).select((build) => build.fn.countAll<number>().as('total'))

function filtered(query: CheckedQuery) {
  let found = sqlFor.selectFrom('runs').where('runs.removed_at_ms', 'is', null)
  if (query.projectId !== undefined) found = found.where('runs.project_id', '=', query.projectId)
  if (query.statuses !== undefined) found = found.where('runs.status', 'in', query.statuses)
  if (query.modelId !== undefined) found = found.where('runs.model_id', '=', query.modelId)
  if (query.datasetFingerprint !== undefined)
    found = found.where('runs.dataset_fingerprint', '=', query.datasetFingerprint)
  if (query.scenario !== undefined) found = found.where('runs.scenario', '=', query.scenario)
  if (query.text !== undefined && query.text !== '') {
    // Both sides by SQLite's own lower(), which knows A to Z only: by JavaScript's, "Ärger" would not find itself.
    const part = sql<string>`lower(${query.text})`
    found = found.where((build) =>
      build.or(
        (['runs.name', 'runs.notes', 'runs.id'] as const).map((name) =>
          build(build.fn<number>('instr', [build.fn('lower', [name]), part]), '>', 0),
        ),
      ),
    )
  }
  if (query.tag !== undefined)
    found = found.where(
      sql<boolean>`EXISTS (SELECT 1 FROM json_each(runs.tags) WHERE json_each.value = ${query.tag})`,
    )
  return found
}

type SummaryRow = Omit<
  Selectable<RunsTable>,
  | 'recipe'
  | 'device'
  | 'versions'
  | 'determinism'
  | 'end_reason'
  | 'adapter_sha256'
  | 'notes'
  | 'removed_at_ms'
> & { project_name: string; model_name: string }

function toSummary(row: SummaryRow): RunSummary {
  const failure = row.failure === null ? null : (readJson(row.failure) as Problem)
  return {
    id: row.id,
    projectId: row.project_id,
    projectName: row.project_name,
    name: row.name,
    status: row.status,
    scenario: row.scenario,
    modelId: row.model_id,
    modelName: row.model_name,
    datasetFingerprint: row.dataset_fingerprint,
    seed: row.seed,
    backend: row.backend,
    createdAtMs: row.created_at_ms,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    attempts: row.attempts,
    totalSteps: row.total_steps,
    lastStep: row.last_step,
    bestStep: row.best_step,
    bestLossNats: row.best_loss_nats,
    failureCode: failure?.code ?? null,
    tags: readJson(row.tags) as string[],
  }
}

/** One run in full; throws run.unknown where there is none with this id. */
export function getRun(db: Database, runId: unknown): RunDetail {
  const id = checkInput(rowReference, runId, 'run id')
  return db.transaction(() => {
    const row = first(
      db,
      sqlFor
        .selectFrom('runs')
        .innerJoin('projects', 'projects.id', 'runs.project_id')
        .innerJoin('models', 'models.id', 'runs.model_id')
        .select([...summaryColumns])
        .select([
          'runs.recipe',
          'runs.device',
          'runs.versions',
          'runs.determinism',
          'runs.end_reason',
          'runs.adapter_sha256',
          'runs.notes',
        ])
        .where('runs.id', '=', id)
        .where('runs.removed_at_ms', 'is', null),
    )
    if (!row) refuseUnknownRun(id)
    return {
      ...toSummary(row),
      recipe: readRecipe(row.recipe, id),
      device: readJson(row.device),
      versions: readJson(row.versions) as Record<string, string>,
      determinism: row.determinism,
      endReason: row.end_reason,
      adapterSha256: row.adapter_sha256,
      failure: row.failure === null ? null : (readJson(row.failure) as Problem),
      notes: row.notes,
      headSeq: headOf(db, id).seq,
    }
  })()
}

function readRecipe(text: string, id: string): Recipe {
  const parsed = recipeSchema.safeParse(readJson(text))
  if (parsed.success) return parsed.data
  throw new DamagedValueError(`the recipe of run ${id} is not one: ${parsed.error.message}`)
}

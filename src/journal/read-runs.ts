// Reading runs: one page of a list, and one run in full.
import type { Database } from 'better-sqlite3'
import { type RawBuilder, type Selectable, sql } from 'kysely'
import { type RunSort, rowReference, runQuery } from '#shared/journal-commands.ts'
import type { RunDetail, RunSummary } from '#shared/journal-types.ts'
import { isRecord } from '#shared/json-record.ts'
import { type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import type { Problem } from '#shared/result.ts'
import { checkInput } from './check-input.ts'
import { headOf } from './event-commands.ts'
import { refuseUnknownRun } from './problems.ts'
import { all, first, sqlFor } from './query.ts'
import { DamagedValueError, readJson } from './read-json.ts'
import { isFoundBy } from './search-text.ts'
import type { RunsTable } from './tables.ts'

type CheckedQuery = ReturnType<typeof runQuery.parse>

export interface RunPage {
  readonly runs: readonly RunSummary[]
  /** Runs that the filter finds, on all pages. */
  readonly total: number
}

/** A field of the recipe. */
const setting = (path: string) => sql`json_extract(runs.recipe, ${sql.lit(`$.${path}`)})`

/** A figure of the run's newest proof. */
const proofFigure = (path: string) =>
  sql`(SELECT json_extract(body, ${sql.lit(`$.${path}`)}) FROM comparisons WHERE run_id = runs.id ORDER BY created_at_ms DESC, id DESC LIMIT 1)`

const nameIn = (table: 'projects' | 'models', key: 'project_id' | 'model_id') =>
  sql`(SELECT name FROM ${sql.table(table)} WHERE id = ${sql.ref(`runs.${key}`)})`

const created = sql.ref('runs.created_at_ms')
const sortKeys: Readonly<Record<RunSort, readonly RawBuilder<unknown>[]>> = {
  created: [created],
  started: [sql.ref('runs.started_at_ms')],
  ended: [sql.ref('runs.ended_at_ms')],
  duration: [sql`runs.ended_at_ms - runs.started_at_ms`],
  name: [sql.ref('runs.name')],
  project: [nameIn('projects', 'project_id'), created],
  model: [nameIn('models', 'model_id'), created],
  scenario: [sql.ref('runs.scenario'), created],
  status: [sql.ref('runs.status'), created],
  method: [setting('method.kind'), setting('method.rank'), created],
  learningRate: [setting('optimizer.learningRate'), created],
  epochs: [setting('duration.epochs'), created],
  batchRows: [sql`${setting('batch.microRows')} * ${setting('batch.accumulation')}`, created],
  device: [setting('device'), created],
  seed: [sql.ref('runs.seed')],
  steps: [sql.ref('runs.last_step')],
  bestLoss: [sql.ref('runs.best_loss_nats')],
  // Values of one metric stand together: those of two cannot be compared.
  proof: [proofFigure('metric'), proofFigure('tuned.value')],
  verdict: [proofFigure('verdict.kind'), created],
  tags: [sql`nullif(runs.tags, '[]')`, created],
  notes: [sql`nullif(runs.notes, '')`, created],
  rating: [sql.ref('runs.rating'), created],
}

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
  'runs.rating',
  'runs.pinned_at_ms',
  'runs.archived_at_ms',
  'trials.study_id',
  'trials.number as trial_number',
] as const

const beforeFingerprint = sql<string | null>`json_extract(runs.recipe, '$.before.fingerprint')`.as(
  'before_fingerprint',
)

/** Runs that confirm a search are counted by themselves, from 1. */
const confirming = sql<
  number | null
>`CASE WHEN trials.purpose <> 'search' THEN (SELECT count(*) FROM trials AS t WHERE
  t.study_id = trials.study_id AND t.purpose <> 'search' AND t.number <= trials.number) END`.as('confirming')

/** One page of the runs that `input` asks for. Runs without a value to sort by come last in either order. */
export function listRuns(db: Database, input: unknown): RunPage {
  const query = checkInput(runQuery, input, 'list of runs')
  const idsOf = () => all(db, pageQuery(query)).map(({ id }) => id)
  return db.transaction(() => readPage(db, query, idsOf()))()
}

/** These runs, and how many the query finds on all pages. */
export function readPage(db: Database, query: CheckedQuery, ids: readonly string[]): RunPage {
  const { total } = first(db, countQuery(query)) as { total: number }
  const rows = new Map(all(db, summariesQuery(ids)).map((row) => [row.id, row]))
  return { runs: ids.map((id) => toSummary(rows.get(id) as SummaryRow)), total }
}

/** The rows of these runs, in any order. */
export const summariesQuery = (ids: readonly string[]) =>
  sqlFor
    .selectFrom('runs')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .innerJoin('models', 'models.id', 'runs.model_id')
    .leftJoin('trials', 'trials.run_id', 'runs.id')
    .select(summaryColumns)
    .select([beforeFingerprint, confirming])
    .where('runs.id', 'in', listed(ids))

/** One parameter, however many there are. */
const listed = (ids: readonly string[]) => sql<string>`(SELECT value FROM json_each(${JSON.stringify(ids)}))`

/** Ids of the page's runs: the runs before a late page are counted in an index, not read and joined. */
export function pageQuery(query: CheckedQuery) {
  const direction = query.order === 'descending' ? 'desc' : 'asc'
  // Every run was created; "nulls last" would keep SQLite from using the rest of an index.
  const sorted = sortKeys[query.sort].reduce(
    (found, key) =>
      found.orderBy(key, (by) => {
        if (direction === 'desc') return by.desc()
        return key === created ? by.asc() : by.asc().nullsLast()
      }),
    filtered(query).select('runs.id'),
  )
  return sorted.orderBy('runs.id', direction).limit(query.limit).offset(query.offset)
}

export const countQuery = (query: CheckedQuery) =>
  filtered(query).select((build) => build.fn.countAll<number>().as('total'))

function filtered(query: CheckedQuery) {
  let found = shownRuns()
  // Runs that are asked for by name are given, trials and archived ones too.
  if (query.runIds !== undefined) found = found.where('runs.id', 'in', listed(query.runIds))
  else found = marked(found, query)
  if (query.projectId !== undefined) found = found.where('runs.project_id', '=', query.projectId)
  if (query.statuses !== undefined) found = found.where('runs.status', 'in', query.statuses)
  if (query.modelId !== undefined) found = found.where('runs.model_id', '=', query.modelId)
  if (query.datasetFingerprint !== undefined)
    found = found.where('runs.dataset_fingerprint', '=', query.datasetFingerprint)
  if (query.scenario !== undefined) found = found.where('runs.scenario', '=', query.scenario)
  if (query.method !== undefined)
    found = found.where(sql<boolean>`${setting('method.kind')} = ${query.method}`)
  const text = query.text?.trim() ?? ''
  if (text !== '') found = found.where(isFoundBy(text))
  if (query.studyId !== undefined)
    found = found.where(
      sql<boolean>`runs.id IN (SELECT run_id FROM trials WHERE study_id = ${query.studyId})`,
    )
  if (query.isPinned !== undefined)
    found = found.where('runs.pinned_at_ms', query.isPinned ? 'is not' : 'is', null)
  if (query.createdBeforeMs !== undefined)
    found = found.where('runs.created_at_ms', '<', query.createdBeforeMs)
  if (query.minRating !== undefined) found = found.where('runs.rating', '>=', query.minRating)
  if (query.verdict === 'not-proved')
    found = found.where(sql<boolean>`${proofFigure('verdict.kind')} IS NULL`)
  else if (query.verdict !== undefined)
    found = found.where(sql<boolean>`${proofFigure('verdict.kind')} = ${query.verdict}`)
  if (query.tag !== undefined)
    found = found.where(
      sql<boolean>`runs.tags <> '[]' AND EXISTS (SELECT 1 FROM json_each(runs.tags) WHERE json_each.value = ${query.tag})`,
    )
  return found
}

/** Without trials and archived runs, as far as the query wants it so. */
function marked(found: ReturnType<typeof shownRuns>, query: CheckedQuery) {
  let left = found
  if (query.archived !== 'with')
    left = left.where('runs.archived_at_ms', query.archived === 'only' ? 'is not' : 'is', null)
  if (query.hasTrials || query.studyId !== undefined) return left
  return left.where(
    sql<boolean>`(runs.pinned_at_ms IS NOT NULL OR NOT EXISTS (SELECT 1 FROM trials WHERE run_id = runs.id))`,
  )
}

const shownRuns = () => sqlFor.selectFrom('runs').where('runs.removed_at_ms', 'is', null)

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
> & {
  project_name: string
  model_name: string
  before_fingerprint: string | null
  study_id: string | null
  trial_number: number | null
  confirming: number | null
}

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
    beforeFingerprint: row.before_fingerprint,
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
    rating: row.rating,
    isPinned: row.pinned_at_ms !== null,
    isArchived: row.archived_at_ms !== null,
    trial:
      row.study_id === null || row.trial_number === null
        ? null
        : { studyId: row.study_id, number: row.trial_number, confirming: row.confirming },
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
        .leftJoin('trials', 'trials.run_id', 'runs.id')
        .select([...summaryColumns])
        .select([beforeFingerprint, confirming])
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
  const parsed = recipeSchema.safeParse(asItWas(readJson(text)))
  if (parsed.success) return parsed.data
  throw new DamagedValueError(`the recipe of run ${id} is not one: ${parsed.error.message}`)
}

/** What a recipe of before a setting does not say is what was done then, not what is usual today: rows lay side by side. */
function asItWas(written: unknown): unknown {
  if (!isRecord(written) || !isRecord(written.batch)) return written
  return { ...written, batch: { packing: false, ...written.batch } }
}

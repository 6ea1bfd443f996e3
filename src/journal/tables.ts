// The journal's tables as Kysely sees them: the newest schema, column by column. migrations/ is the law, this mirrors it.
import type { Generated } from 'kysely'
import type { LinkKind } from '#shared/journal-commands.ts'
import type { RunStatus } from '#shared/journal-types.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import type { StudyStatus, TrialPurpose, TrialStatus } from '#shared/study.ts'

interface SessionsTable {
  id: Generated<number>
  pid: number
  opened_at_ms: number
  closed_at_ms: number | null
  sqlite_version: string
  /** Figure over all changing rows when the session ended. */
  contents_sha256: string | null
}

interface ProjectsTable {
  id: string
  name: string
  scenario: ScenarioId
  goal: string
  created_at_ms: number
  removed_at_ms: number | null
}

interface ModelsTable {
  id: string
  name: string
  source: string
  licence: string
  weights_sha256: string
  parameters: number
  added_at_ms: number
}

interface DatasetsTable {
  fingerprint: string
  scenario: ScenarioId
  source_name: string
  /** JSON text, as in every column that holds JSON. */
  manifest: string
  train_rows: number
  validation_rows: number
  test_rows: number
  left_out_rows: number
  added_at_ms: number
}

export interface RunsTable {
  id: string
  project_id: string
  name: string
  status: RunStatus
  scenario: ScenarioId
  recipe: string
  model_id: string
  dataset_fingerprint: string
  seed: number
  backend: string
  device: string
  versions: string
  determinism: string | null
  created_at_ms: number
  started_at_ms: number | null
  ended_at_ms: number | null
  attempts: number
  total_steps: number | null
  last_step: number | null
  best_step: number | null
  best_loss_nats: number | null
  end_reason: string | null
  adapter_sha256: string | null
  failure: string | null
  notes: string
  tags: string
  removed_at_ms: number | null
  rating: number | null
  pinned_at_ms: number | null
  archived_at_ms: number | null
}

interface EventsTable {
  run_id: string
  seq: number
  attempt: number
  at_ms: number
  kind: string
  body: string
  prev_hash: Uint8Array
  hash: Uint8Array
}

interface EvaluationsTable {
  id: string
  run_id: string
  kind: 'proof'
  subject: 'base' | 'tuned'
  created_at_ms: number
  dataset_fingerprint: string
  metrics: string
  answer_count: number
  sha256: string
}

interface AnswersTable {
  evaluation_id: string
  position: number
  row_id: string
  expected: string
  answer: string
  scores: string
}

interface ComparisonsTable {
  id: string
  run_id: string
  created_at_ms: number
  body: string
  sha256: string
}

interface TestSetOpeningsTable {
  id: string
  dataset_fingerprint: string
  run_id: string | null
  purpose: string
  opened_at_ms: number
}

interface ArtifactsTable {
  id: string
  run_id: string
  kind: 'adapter' | 'model' | 'checkpoint' | 'export' | 'gguf'
  path: string
  bytes: number
  sha256: string
  created_at_ms: number
  removed_at_ms: number | null
}

export interface StudiesTable {
  id: string
  project_id: string
  name: string
  status: StudyStatus
  spec: string
  schedule: string | null
  priority: number
  notes: string
  reason: string | null
  worked_ms: number
  created_at_ms: number
  started_at_ms: number | null
  ended_at_ms: number | null
  removed_at_ms: number | null
}

export interface TrialsTable {
  study_id: string
  number: number
  purpose: TrialPurpose
  settings: string
  seed: number
  rungs: string
  status: TrialStatus
  run_id: string | null
  loss_nats: number | null
  loss_step: number | null
  rung_losses: string
  reason: string | null
  work: string | null
  created_at_ms: number
  ended_at_ms: number | null
}

interface QueueTable {
  kind: 'run' | 'study'
  id: string
  priority: number
  /** Of the same priority the lower one goes first. */
  place: number
  added_at_ms: number
}

interface LinksTable {
  run_id: string
  kind: LinkKind
  parent: string
  created_at_ms: number
}

interface SavedViewsTable {
  name: string
  query: string
  saved_at_ms: number
}

interface JournalChecksTable {
  id: Generated<number>
  at_ms: number
  is_sound: number
  findings: string
  took_ms: number
}

interface SearchDocumentsTable {
  number: Generated<number>
  run_id: string
  /** Null: the document of the run itself. */
  evaluation_id: string | null
}

export interface JournalTables {
  sessions: SessionsTable
  projects: ProjectsTable
  models: ModelsTable
  datasets: DatasetsTable
  runs: RunsTable
  events: EventsTable
  evaluations: EvaluationsTable
  answers: AnswersTable
  comparisons: ComparisonsTable
  test_set_openings: TestSetOpeningsTable
  artifacts: ArtifactsTable
  studies: StudiesTable
  trials: TrialsTable
  queue: QueueTable
  links: LinksTable
  saved_views: SavedViewsTable
  journal_checks: JournalChecksTable
  search_documents: SearchDocumentsTable
}

// What every form of carrying the journal out is given, and how each sees a run.
import type { JournalArchive } from '#journal/archive-rows.ts'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalForm } from '#shared/contract/index.ts'
import { type Problem, ProblemError } from '#shared/result.ts'
import type { Library } from '../system/library.ts'
import type { WriteFile } from './archive-folder.ts'

export interface ExportRequest {
  readonly form: JournalForm
  /** Null takes everything. */
  readonly runIds: readonly string[] | null
  /** Of a bundle: whether rows of the data sets, and answers to them, go along. */
  readonly withRows: boolean
  /** Where it is put; the library's exports where none is named. */
  readonly folder?: string
}

export interface Telling {
  readonly signal: AbortSignal
  tell(phase: string, done?: number, total?: number): void
}

export interface ArchivePorts {
  readonly library: Library
  /** Over the library's journal, or over a copy of it. */
  readonly reader: Pick<JournalReader, 'path' | 'getRun' | 'artifacts'>
}

/** What every form works with. */
export interface ExportWork extends Telling {
  readonly archive: JournalArchive
  readonly runIds: readonly string[] | null
  readonly write: WriteFile
}

export const stopped = (): Problem => ({
  code: 'proof.cancelled',
  message: 'Nothing was carried out, because this was stopped.',
  where: 'the journal',
  remedy: 'Start it again whenever you like.',
})

/** Runs of an export that are not removed, oldest first, as the archive gives them. */
export function* shownRuns({ archive, runIds }: Pick<ExportWork, 'archive' | 'runIds'>): Generator<ShownRun> {
  const names = new Map<string, string>()
  for (const row of archive.rows('projects', runIds)) names.set(String(row.id), String(row.name))
  for (const row of archive.rows('runs', runIds)) {
    if (row.removedAtMs !== null) continue
    const run = row as unknown as Omit<ShownRun, 'projectName'>
    yield { ...run, projectName: names.get(run.projectId) ?? '' }
  }
}

/** A run's row, as far as forms read it. */
export interface ShownRun {
  readonly id: string
  readonly projectId: string
  readonly projectName: string
  readonly name: string
  readonly status: string
  readonly scenario: string
  readonly recipe: Readonly<Record<string, unknown>>
  readonly modelId: string
  readonly datasetFingerprint: string
  readonly seed: number
  readonly backend: string
  readonly device: unknown
  readonly versions: Readonly<Record<string, string>>
  readonly determinism: string | null
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
  readonly attempts: number
  readonly totalSteps: number | null
  readonly lastStep: number | null
  readonly bestStep: number | null
  readonly bestLossNats: number | null
  readonly endReason: string | null
  readonly adapterSha256: string | null
  readonly notes: string
  readonly tags: readonly string[]
  readonly rating: number | null
}

/** Settings of a recipe by path ("method.rank"), values as text; lists and what is empty as JSON. */
export function flatSettings(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]]
  return Object.entries(value).flatMap(([name, part]) =>
    flatSettings(part, path === '' ? name : `${path}.${name}`),
  )
}

/** Refuses a bundle of nothing in particular. */
export const noRuns = (): ProblemError =>
  new ProblemError({
    code: 'export.failed',
    message: 'A bundle is of chosen runs, and none was named.',
    where: 'run bundle',
    remedy: 'Choose the runs that go along.',
  })

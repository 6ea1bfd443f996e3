// Brings another computer's journal, or a run bundle, into this library: under their own ids, all of it or nothing. What is
// here stays as it is; what cannot be trusted, or does not go together with it, is left out by name.
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { JournalImport } from '#journal/import-commands.ts'
import type { ImportChoice, Imported, ImportSource } from '#journal/import-rows.ts'
import { openImportSource } from '#journal/import-source.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { ImportReport } from '#shared/contract/index.ts'
import { attemptAsync, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { datasetFolder } from '../data/dataset-folder.ts'
import { asDiskProblem, temporaryPath } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'
import { type BundleManifest, journalName } from './bundle-manifest.ts'
import type { Telling } from './export-work.ts'
import { type Placed, placeFiles, takeBack } from './place-bundle-files.ts'
import { isZip, unpackBundle } from './read-bundle.ts'

interface ImportPorts {
  readonly library: Library
  readonly writer: Pick<JournalWriter, 'importing'>
}

/**
 * Problems: file.unsafe, journal.foreign-file, journal.too-new, journal.corrupt, those of disk and journal, and
 * `proof.cancelled` where it was stopped; after each the journal is as it was. What a person sees of single runs is in the
 * report.
 */
export function importJournal(
  path: string,
  ports: ImportPorts,
  telling: Telling,
): Promise<Result<ImportReport>> {
  const { library } = ports
  const { signal } = telling
  return attemptAsync(async () => {
    const work = temporaryPath(join(library.cacheFolder, 'import'))
    try {
      await mkdir(work, { recursive: true, mode: 0o700 })
      const isBundle = await isZip(path)
      const manifest = isBundle ? await unpackBundle(path, work, telling) : null
      await tellNow(telling, 'Checking the journal')
      const journal = isBundle ? join(work, 'unpacked', journalName) : path
      const source = unwrap(openImportSource(journal, path, work))
      try {
        return await takeOver(source, { ...ports, ...telling, work, manifest, origin: basename(path) })
      } finally {
        source.close()
      }
    } catch (error) {
      throw signal.aborted ? new ProblemError(stopped()) : asDiskProblem(error, work)
    } finally {
      await rm(work, { recursive: true, force: true }).catch(() => {})
    }
  })
}

const stopped = (): Problem => ({
  code: 'proof.cancelled',
  message: 'Nothing was brought in, because this was stopped.',
  where: 'the journal',
  remedy: 'Start it again whenever you like.',
})

/** What follows takes its time in one piece: told before, and whoever wants to stop it is heard before. */
async function tellNow({ tell, signal }: Telling, phase: string, done = 0, total = 0): Promise<void> {
  tell(phase, done, total)
  await new Promise((resolve) => setImmediate(resolve))
  signal.throwIfAborted()
}

interface TakingOver extends ImportPorts, Telling {
  readonly work: string
  /** Null for a journal without files. */
  readonly manifest: BundleManifest | null
  readonly origin: string
}

/**
 * Run by run it is found out what can be taken over, and put in place what came with it; then all of it is written in one
 * transaction, so that a person who stops, a kill or a full disk leaves the journal as it was.
 */
async function takeOver(source: ImportSource, taking: TakingOver): Promise<ImportReport> {
  const { library, writer, manifest, origin } = taking
  const report = emptyReport(source.notices)
  const choice: ImportChoice = {
    origin,
    hasFile: (path) => existsSync(join(library.home, ...path.split('/'))),
    bringsBack: manifest !== null,
    isWithoutTexts: false,
    onDoubt: (what, reason) => refuse(report, what, reason),
  }
  const importing = unwrap(writer.importing(source, choice))
  const runIds = manifest === null ? source.runIds() : manifest.runs.map(({ id }) => id)
  const placed: Placed[] = []
  try {
    const good: string[] = []
    for (const [at, id] of runIds.entries()) {
      await tellNow(taking, 'Checking every entry', at, runIds.length)
      const found = await tryRun(id, { source, importing, taking, placed })
      if (found.ok) good.push(id)
      else refuseRun(report, source.run(id)?.name ?? id, found.problem)
    }
    await tellNow(taking, 'Writing it into your journal', runIds.length, runIds.length)
    const written = unwrap(importing.together(() => writeAll(good, { source, importing, manifest, report })))
    await takeBackRefused(source, taking, placed, written)
    return report
  } catch (error) {
    await takeBack(library, placed)
    throw error
  }
}

interface Trying {
  readonly source: ImportSource
  readonly importing: JournalImport
  readonly taking: TakingOver
  /** Grows by what is put in place. */
  readonly placed: Placed[]
}

/** Files first, the journal's rows last: a run that is shown has everything that came with it. */
async function tryRun(id: string, { source, importing, taking, placed }: Trying): Promise<Result<Imported>> {
  const { manifest } = taking
  const found = importing.tryRun(id)
  if (!found.ok || manifest === null) return found
  const files = await attemptAsync(() => placeFiles(id, source, { ...taking, manifest }))
  if (!files.ok) return files
  placed.push(files.value)
  return found
}

interface Writing {
  readonly source: ImportSource
  readonly importing: JournalImport
  readonly manifest: BundleManifest | null
  readonly report: Writable<ImportReport>
}

/** Ids of the runs that are in. */
function writeAll(runIds: readonly string[], { source, importing, manifest, report }: Writing): Set<string> {
  const written = new Set<string>()
  if (manifest === null)
    for (const id of source.projectIds())
      if (source.project(id)?.isRemoved === false)
        count(report, 'projects', source.project(id)?.name ?? id, importing.project(id))
  for (const id of runIds) {
    const run = source.run(id)
    const isProjectNew = run !== null && !importing.hasProject(run.projectId)
    const result = importing.run(id)
    if (result.ok) written.add(id)
    if (result.ok && isProjectNew && source.project(run.projectId)?.isRemoved === false) report.projects += 1
    if (!result.ok || !source.isRemoved('runs', id)) count(report, 'runs', run?.name ?? id, result)
  }
  if (manifest !== null) return written
  for (const id of source.studyIds()) {
    const result = importing.study(id)
    if (!result.ok || !source.isRemoved('studies', id)) count(report, 'studies', source.studyName(id), result)
  }
  unwrap(importing.views())
  return written
}

/** Of a run that changed here meanwhile nothing is kept, but for data sets that another one needs. */
function takeBackRefused(
  source: ImportSource,
  { library }: TakingOver,
  placed: readonly Placed[],
  written: ReadonlySet<string>,
): Promise<void> {
  const datasets = [...written].flatMap((id) => source.run(id)?.datasets ?? [])
  const kept = new Set(datasets.map((fingerprint) => datasetFolder(library, fingerprint)))
  return takeBack(
    library,
    placed.filter(({ runId }) => !written.has(runId)),
    kept,
  )
}

/** Reasons that are about one run or study; after any other Problem nothing more can be brought in. */
const singleCodes: ReadonlySet<Problem['code']> = new Set<Problem['code']>([
  'journal.conflict',
  'journal.invalid',
  'journal.unknown',
  'run.unknown',
  'file.unsafe',
])

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function emptyReport(notices: readonly string[]): Writable<ImportReport> {
  return { projects: 0, runs: 0, studies: 0, known: 0, refused: [], notices: [...notices] }
}

function count(
  report: Writable<ImportReport>,
  what: 'projects' | 'runs' | 'studies',
  name: string,
  result: Result<Imported>,
): void {
  if (result.ok) {
    if (result.value === 'added') report[what] += 1
    else if (what !== 'projects') report.known += 1
    return
  }
  refuseRun(report, name, result.problem)
}

function refuseRun(report: Writable<ImportReport>, name: string, problem: Problem): void {
  if (!singleCodes.has(problem.code)) throw new ProblemError(problem)
  refuse(report, name, `${problem.message} (${problem.where})`)
}

function refuse({ refused }: ImportReport, what: string, reason: string): void {
  if (refused.length < mostRefused) refused.push({ what, reason })
}

const mostRefused = 1000

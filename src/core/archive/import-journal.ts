// Brings another computer's journal, or a run bundle, into this library: under their own ids, one run after the other, each
// whole or not at all. What is here stays as it is. A second time goes on where the first one ended.
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { JournalImport } from '#journal/import-commands.ts'
import type { ImportChoice, Imported, ImportSource } from '#journal/import-rows.ts'
import { openImportSource } from '#journal/import-source.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { ImportReport } from '#shared/contract/index.ts'
import { attemptAsync, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { asDiskProblem, temporaryPath } from '../system/durable-files.ts'
import { openFileBytes } from '../system/file-bytes.ts'
import type { Library } from '../system/library.ts'
import { type BundleManifest, journalName } from './bundle-manifest.ts'
import type { Telling } from './export-work.ts'
import { placeFiles } from './place-bundle-files.ts'
import { unpackBundle } from './read-bundle.ts'

interface ImportPorts {
  readonly library: Library
  readonly writer: Pick<JournalWriter, 'importing'>
}

/**
 * Problems: file.unsafe, journal.foreign-file, journal.too-new, journal.corrupt, and those of disk and journal; runs that
 * were brought in before one of the latter stay. What a person sees of single runs is in the report.
 */
export function importJournal(
  path: string,
  ports: ImportPorts,
  telling: Telling,
): Promise<Result<ImportReport>> {
  const { library } = ports
  return attemptAsync(async () => {
    const work = temporaryPath(join(library.cacheFolder, 'import'))
    try {
      await mkdir(work, { recursive: true, mode: 0o700 })
      const isBundle = await isZip(path)
      const manifest = isBundle ? await unpackBundle(path, work, telling) : null
      telling.tell('Checking the journal')
      const journal = isBundle ? join(work, 'unpacked', journalName) : path
      const source = unwrap(openImportSource(journal, path, work))
      try {
        return await takeOver(source, { ...ports, ...telling, work, manifest, origin: basename(path) })
      } finally {
        source.close()
      }
    } catch (error) {
      throw asDiskProblem(error, work)
    } finally {
      await rm(work, { recursive: true, force: true }).catch(() => {})
    }
  })
}

/** A bundle by its first bytes, whatever its name. */
async function isZip(path: string): Promise<boolean> {
  const file = await openFileBytes(path)
  try {
    const start = Buffer.from(await file.read(0, Math.min(4, file.sizeBytes)))
    return start.length === 4 && start.readUInt32BE() === zipStart
  } finally {
    await file.close()
  }
}

/** "PK" and the signature of a zip file's first member. */
const zipStart = 0x504b0304

interface TakingOver extends ImportPorts, Telling {
  readonly work: string
  /** Null for a journal without files. */
  readonly manifest: BundleManifest | null
  readonly origin: string
}

async function takeOver(source: ImportSource, taking: TakingOver): Promise<ImportReport> {
  const { library, writer, manifest, origin, tell } = taking
  const choice: ImportChoice = {
    origin,
    hasFile: (path) => existsSync(join(library.home, ...path.split('/'))),
    bringsBack: manifest !== null,
    isWithoutTexts: false,
  }
  const importing = unwrap(writer.importing(source, choice))
  const report = emptyReport(source.notices)
  const runIds = manifest === null ? source.runIds() : manifest.runs.map(({ id }) => id)
  if (manifest === null)
    for (const id of source.projectIds())
      if (source.project(id)?.isRemoved === false)
        count(report, 'projects', source.project(id)?.name ?? id, importing.project(id))
  for (const [place, id] of runIds.entries()) {
    tell('Bringing runs in', place, runIds.length)
    const run = source.run(id)
    const isProjectNew = run !== null && !importing.hasProject(run.projectId)
    const result = await takeRun(id, { source, importing, taking })
    if (result.ok && isProjectNew && source.project(run.projectId)?.isRemoved === false) report.projects += 1
    count(report, 'runs', run?.name ?? id, result)
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (manifest === null) {
    for (const id of source.studyIds()) count(report, 'studies', source.studyName(id), importing.study(id))
    unwrap(importing.views())
  }
  return report
}

/** Files first, the journal's rows last: a run that is shown has everything that came with it. */
async function takeRun(
  id: string,
  { source, importing, taking }: { source: ImportSource; importing: JournalImport; taking: TakingOver },
): Promise<Result<Imported>> {
  if (taking.manifest === null) return importing.run(id)
  const placed = await attemptAsync(() => placeFiles(id, source, { ...taking, manifest: taking.manifest! }))
  if (!placed.ok) return placed
  const result = importing.run(id)
  if (!result.ok) await placed.value.undo()
  return result
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
  const { code, message, where } = result.problem
  if (!singleCodes.has(code)) throw new ProblemError(result.problem)
  if (report.refused.length < mostRefused)
    report.refused.push({ what: name, reason: `${message} (${where})` })
}

const mostRefused = 1000

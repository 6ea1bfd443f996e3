// What every command works with: the library, the journal, child processes, the output. Opened late, closed always.
// Methods that can meet bad input throw a ProblemError; program.ts catches it, prints it and sets the exit code.
import {
  isUnwritable,
  lookInto,
  type SeenAs,
  toldToWriter,
  unwritableWords,
} from '#core/archive/read-only-journal.ts'
import { createNodeLauncher, type Launcher } from '#core/system/launcher.ts'
import { defaultHome, type Library, openLibrary, sweepLibrary } from '#core/system/library.ts'
import { onStopSignal } from '#core/system/stop-signals.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { everyRun, type RunQuery } from '#shared/journal-commands.ts'
import { attempt, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { LivingStudy } from '#shared/study.ts'
import { exitCodes, type Output } from './output.ts'
import { libraryForReading } from './read-only.ts'

export { appVersion } from '#core/system/app-version.ts'

const backupAgeMs = 24 * 60 * 60 * 1000

export interface Application {
  readonly library: Library
  readonly launcher: Launcher
  readonly output: Output
  /**
   * The journal for reading; it is made first where there is none yet. A command that only reads gets a copy where the
   * journal is not this library's, or where nothing can be written; `as` says how what was under way is seen in it.
   */
  reader(as?: SeenAs): JournalReader
  /** Of a journal that is read from a copy: how a search stood, not at its end, when it was last written; else null. */
  stoodOf(studyId: string): LivingStudy | null
  /** Of a journal that is read from a copy: what is wrong with the copy, as it is told of the journal. */
  toldAs(problem: Problem): Problem
  /** The journal for writing: one process at a time. Runs that a crash left behind are marked as interrupted. */
  writer(): JournalWriter
  /** Null where a copy is read, or where nothing can be written. */
  writerIfPossible(): JournalWriter | null
  /** The id of the run that a person means: the id, the beginning of it, or "latest". */
  findRun(text: string): string
  /** A verified copy of the journal beside it; called when a run or a proof has ended. */
  backUpJournal(): void
  setExitCode(code: number): void
  /** Calls `stop` at the first signal to stop; a second Ctrl-C ends the program at once. Gives back what undoes this. */
  onInterrupt(stop: () => void): () => void
  close(): void
}

function openHome(home: string): Library {
  try {
    return openLibrary(home)
  } catch (error) {
    throw new ProblemError({
      code: 'disk.failed',
      message: 'The folder for models, data and runs cannot be used.',
      where: home,
      remedy: 'Choose another folder with --home, one that you may write to.',
      details: String(error),
    })
  }
}

interface Reading {
  /** The command changes nothing, so it does its work where nothing can be written too. */
  readonly onlyReads?: boolean
  /** This file in place of the library's journal. */
  readonly journal?: string
}

export function openApplication(
  home: string | undefined,
  output: Output,
  { onlyReads = false, journal }: Reading = {},
): Application {
  const root = home || process.env.TUNEWRIGHT_HOME || defaultHome()
  const library = onlyReads ? libraryForReading(root, journal, openHome) : openHome(root)
  let openReader: JournalReader | null = null
  let copy: ReturnType<typeof lookInto> | null = null
  let openWriter: JournalWriter | null = null

  /** A backup that fails (no space, say) must not stop the work; it is said. */
  const keepBackup = (backup: Result<unknown>): void => {
    if (!backup.ok) output.progress(`No backup of the journal: ${backup.problem.message}`, true)
  }

  const toWrite = <T>(journal: Result<T>): T => {
    if (!journal.ok) throw new ProblemError(toldToWriter(journal.problem, library))
    return journal.value
  }

  const openOwn = (): JournalReader => {
    const opened = openJournalReader(library.journalPath, { isUnchecked: true })
    if (opened.ok || !['journal.missing', 'journal.too-old'].includes(opened.problem.code))
      return unwrap(opened)
    application.writer()
    return unwrap(openJournalReader(library.journalPath))
  }

  const openCopy = (as: SeenAs): JournalReader => {
    copy = lookInto(library.journalPath, as, journal === undefined)
    return copy.reader
  }

  const openForReading = (as: SeenAs): JournalReader => {
    if (journal !== undefined) return openCopy(as)
    const own = attempt(openOwn)
    if (!onlyReads) return toWrite(own)
    if (own.ok || !isUnwritable(own.problem, library)) return unwrap(own)
    const reader = openCopy(as)
    output.progress(`${unwritableWords(own.problem, library)}, so a copy of its journal is read.`, true)
    return reader
  }

  const application: Application = {
    library,
    output,
    launcher: createNodeLauncher(),
    reader(as = 'at-rest') {
      openReader ??= openForReading(as)
      return openReader
    },
    stoodOf: (studyId) => copy?.stood.get(studyId) ?? null,
    toldAs: (problem) => copy?.toldAs(problem) ?? problem,
    writerIfPossible() {
      if (journal !== undefined || (openReader && openReader.path !== library.journalPath)) return null
      const opened = attempt(() => application.writer())
      if (opened.ok || !isUnwritable(opened.problem, library)) return unwrap(opened)
      output.progress(`${unwritableWords(opened.problem, library)}, so what is found is not kept.`, true)
      return null
    },
    writer() {
      if (openWriter) return openWriter
      openWriter = toWrite(openJournalWriter(library.journalPath))
      for (const notice of openWriter.opened.notices) output.progress(notice, true)
      sweepLibrary(library)
      keepBackup(openWriter.backupIfOlderThan(backupAgeMs))
      for (const runId of unwrap(openWriter.markOrphansInterrupted()))
        output.progress(`Run ${runId} was interrupted. Go on with: tunewright runs resume ${runId}`, true)
      return openWriter
    },
    findRun(text) {
      const newestOf = (query: RunQuery) =>
        unwrap(application.reader().listRuns({ ...query, limit: 1 })).runs[0]
      // Trials of searches, and runs that were put away, only where there is no other.
      const newest = text === 'latest' ? (newestOf({}) ?? newestOf(everyRun)) : undefined
      if (newest !== undefined) return newest.id
      const { runs } = unwrap(application.reader().listRuns(everyRun))
      const found = runs.filter(({ id }) => text.length >= 6 && id.startsWith(text))
      return found.length === 1 && found[0] ? found[0].id : text
    },
    backUpJournal() {
      if (openWriter) keepBackup(openWriter.backup())
    },
    setExitCode(code) {
      process.exitCode = code
    },
    onInterrupt: (stop) => onStopSignal(stop, () => process.exit(exitCodes.interrupted)),
    close() {
      openReader?.close()
      const closed = openWriter?.close()
      if (!closed || closed.ok) return
      output.problemInWords(closed.problem)
      process.exitCode = exitCodes.problem
    },
  }
  return application
}

// What every command works with: the library, the journal, child processes, the output. Opened late, closed always.
// Methods that can meet bad input throw a ProblemError; program.ts catches it, prints it and sets the exit code.
import { readFileSync } from 'node:fs'
import { createNodeLauncher, type Launcher } from '#core/system/launcher.ts'
import { defaultHome, type Library, openLibrary, sweepLibrary } from '#core/system/library.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { type Problem, unwrap } from '#shared/result.ts'
import { createOutput, exitCodes, type Output } from './output.ts'

export const appVersion: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version

export interface GlobalOptions {
  readonly home?: string
  readonly json?: boolean
}

export interface Application {
  readonly library: Library
  readonly launcher: Launcher
  readonly output: Output
  /** The journal for reading; it is made first where there is none yet. */
  reader(): JournalReader
  /** The journal for writing: one process at a time. Runs that a crash left behind are marked as interrupted. */
  writer(): JournalWriter
  /** Prints the Problem and remembers that the command failed. */
  failWith(problem: Problem): void
  setExitCode(code: number): void
  /** Calls `stop` at the first Ctrl-C; a second one ends the program at once. Gives back what undoes this. */
  onInterrupt(stop: () => void): () => void
  close(): void
}

export function openApplication(options: GlobalOptions): Application {
  const output = createOutput(options.json === true, {
    out: process.stdout,
    error: process.stderr,
    monotonicMs: () => performance.now(),
  })
  const library = openLibrary(options.home ?? process.env.TUNEWRIGHT_HOME ?? defaultHome())
  let openReader: JournalReader | null = null
  let openWriter: JournalWriter | null = null

  const application: Application = {
    library,
    output,
    launcher: createNodeLauncher(),
    reader() {
      if (openReader) return openReader
      const opened = openJournalReader(library.journalPath)
      if (!opened.ok && opened.problem.code === 'journal.missing') {
        application.writer()
        openReader = unwrap(openJournalReader(library.journalPath))
      } else openReader = unwrap(opened)
      return openReader
    },
    writer() {
      if (openWriter) return openWriter
      openWriter = unwrap(openJournalWriter(library.journalPath))
      for (const notice of openWriter.opened.notices) output.progress(notice, true)
      sweepLibrary(library)
      for (const runId of unwrap(openWriter.markOrphansInterrupted()))
        output.progress(`Run ${runId} was interrupted. Go on with: tunewright runs resume ${runId}`, true)
      return openWriter
    },
    failWith(problem) {
      output.problem(problem)
      process.exitCode = exitCodes.problem
    },
    setExitCode(code) {
      process.exitCode = code
    },
    onInterrupt(stop) {
      let isAsked = false
      const listener = () => {
        if (isAsked) process.exit(exitCodes.interrupted)
        isAsked = true
        stop()
      }
      process.on('SIGINT', listener)
      process.on('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
    close() {
      openReader?.close()
      const closed = openWriter?.close()
      if (closed && !closed.ok) output.problem(closed.problem)
    },
  }
  return application
}

// What a workstation keeps: the library and its journal, opened. In place of a journal that cannot be used stands one that
// says so; where nothing can be written, its copy is read and nothing is written.
import type { ForeignJournal } from '#journal/foreign.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { attempt, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { brokenJournal, damagedProblem, isDamage } from '../archive/broken-journal.ts'
import { isUnwritable, lookInto, readOnlyNotice, readOnlyProblem } from '../archive/read-only-journal.ts'
import { asDiskProblem } from '../system/durable-files.ts'
import { type Library, libraryAt, openLibrary, sweepLibrary } from '../system/library.ts'
import { asTyped } from '../system/typed-command.ts'

export interface KeptOptions {
  readonly home: string
  /** Takes a journal that something else changed since it was closed as it is. */
  readonly acceptsChanges?: boolean
}

export interface Kept {
  readonly library: Library
  readonly writer: JournalWriter
  readonly reader: JournalReader
  readonly interruptedRuns: readonly string[]
  /** Sentences that a person should read once. */
  readonly notices: readonly string[]
  readonly damage: Problem | null
  /** Nothing can be written there: the reader is over a copy, and the writer refuses. */
  readonly isReadOnly: boolean
  /** Where a copy is read: searches that were not at their end when it was made, by id. */
  readonly stood: ForeignJournal['stood']
}

const backupAgeMs = 24 * 60 * 60 * 1000

/** Library and journal, after what the last start left behind is cleared away. Throws a ProblemError, and holds nothing. */
export function openKept(options: KeptOptions): Kept {
  const opened = attempt(() => openToWrite(options))
  if (opened.ok) return opened.value
  const library = libraryAt(options.home)
  if (!isUnwritable(opened.problem, library)) throw new ProblemError(opened.problem)
  return keptToRead(library, opened.problem)
}

function openToWrite({ home, acceptsChanges = false }: KeptOptions): Kept {
  const opened: { close(): unknown }[] = []
  try {
    const library = openLibrary(home)
    const found = openJournalWriter(library.journalPath, { acceptsChanges })
    if (!found.ok && isDamage(found.problem)) return brokenKept(library, found.problem)
    const writer = unwrap(found)
    opened.push(writer)
    const reader = unwrap(openJournalReader(library.journalPath))
    opened.push(reader)
    sweepLibrary(library)
    writer.backupIfOlderThan(backupAgeMs)
    const interruptedRuns = unwrap(writer.markOrphansInterrupted())
    const { notices } = writer.opened
    return { ...nothingFound, library, writer, reader, interruptedRuns, notices }
  } catch (error) {
    for (const one of opened.reverse()) one.close()
    throw asDiskProblem(error, home)
  }
}

const nothingFound: Omit<Kept, 'library' | 'writer' | 'reader'> = {
  ...{ interruptedRuns: [], notices: [], damage: null, isReadOnly: false },
  stood: new Map(),
}

/** In place of a damaged journal one that says so. */
function brokenKept(library: Library, problem: Problem): Kept {
  const damage = damagedProblem(problem)
  const writer = brokenJournal<JournalWriter>(library.journalPath, damage)
  const reader = brokenJournal<JournalReader>(library.journalPath, damage)
  return { ...nothingFound, library, writer, reader, damage }
}

/** Throws a ProblemError where there is no room for the copy either. */
function keptToRead(library: Library, problem: Problem): Kept {
  const copy = attempt(() => lookInto(library.journalPath, 'at-rest', true))
  if (!copy.ok && isDamage(copy.problem)) return brokenKept(library, copy.problem)
  const { reader, stood } = unwrap(copy)
  const told = readOnlyProblem(problem, library)
  const writer = brokenJournal<JournalWriter>(library.journalPath, told)
  return {
    ...nothingFound,
    library,
    writer,
    reader,
    stood,
    notices: [asTyped(readOnlyNotice(told))],
    isReadOnly: true,
  }
}

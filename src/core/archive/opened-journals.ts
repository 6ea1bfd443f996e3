// Journals that are looked into beside one's own: from a stick, another computer, a backup. Nothing of them is ever changed.
import { randomUUID } from 'node:crypto'
import { type ForeignJournal, openForeignJournal } from '#journal/foreign.ts'
import type { JournalReader } from '#journal/reader.ts'
import type { OpenedJournal } from '#shared/contract/index.ts'
import { attempt, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { LivingStudy } from '#shared/study.ts'

interface LookedInto {
  readonly path: string
  /** As the person knows the file. */
  readonly name: string
  /** A page sent it: its path means nothing to anybody. */
  readonly isSent: boolean
  /** The journal itself where that file is a bundle: unpacked, and only read while it is opened. */
  readonly unpacked?: string
}

export interface OpenedJournals {
  /** In what is shown of it nothing is under way. */
  open(file: LookedInto): Result<OpenedJournal>
  list(): OpenedJournal[]
  close(journalId: string): void
  /** Whether a journal that is open has this run. */
  hasRun(runId: string): boolean
  /** One's own journal where no other is named; throws a ProblemError (journal.unknown) for one that is not open. */
  readerOf(journalId: string | undefined): JournalReader
  /** How a search of a journal that is read from a copy stood, not at its end, when it was last written; null for any other. */
  stoodOf(journalId: string | undefined, studyId: string): LivingStudy | null
  closeAll(): void
}

/** Each holds a file open, and perhaps a copy in the temporary folder. */
const mostOpened = 8

type ReadJournal = Pick<ForeignJournal, 'reader' | 'stood'>

interface Opened extends ReadJournal {
  readonly facts: OpenedJournal
}

export function createOpenedJournals(own: ReadJournal): OpenedJournals {
  const opened = new Map<string, Opened>()
  const close = (journalId: string): void => {
    opened.get(journalId)?.reader.close()
    opened.delete(journalId)
  }
  return {
    open: ({ path, name, isSent, unpacked }) =>
      attempt(() => {
        const known = [...opened.values()].find(({ facts }) => facts.path === path)
        if (known !== undefined) close(known.facts.journalId)
        if (opened.size >= mostOpened) throw new ProblemError(tooMany(path))
        const shownAs = isSent ? name : unpacked && path
        const { reader, schema, stood } = unwrap(
          openForeignJournal(unpacked ?? path, { isAtRest: true, ...(shownAs && { shownAs }) }),
        )
        try {
          const { runs, total } = unwrap(reader.listRuns({ limit: 1, hasTrials: true, archived: 'with' }))
          const newestRunAtMs = runs[0]?.createdAtMs ?? null
          const place = { name, path: isSent ? null : path }
          const facts = { journalId: randomUUID(), ...place, schema, runs: total, newestRunAtMs }
          opened.set(facts.journalId, { reader, stood, facts })
          return facts
        } catch (error) {
          reader.close()
          throw error
        }
      }),
    hasRun: (runId) => [...opened.values()].some(({ reader }) => reader.getRun(runId).ok),
    list: () => [...opened.values()].map(({ facts }) => facts),
    close,
    readerOf(journalId) {
      if (journalId === undefined) return own.reader
      const found = opened.get(journalId)
      if (found === undefined) throw new ProblemError(notOpen(journalId))
      return found.reader
    },
    stoodOf: (journalId, studyId) =>
      (journalId === undefined ? own : opened.get(journalId))?.stood.get(studyId) ?? null,
    closeAll() {
      for (const journalId of [...opened.keys()]) close(journalId)
    },
  }
}

const tooMany = (path: string): Problem => ({
  code: 'limit.exceeded',
  message: `${mostOpened} other journals are open already.`,
  where: path,
  remedy: 'Close one of them in Settings, part "Journal".',
})

const notOpen = (journalId: string): Problem => ({
  code: 'journal.unknown',
  message: 'This other journal is not open any more.',
  where: journalId,
  remedy: 'Open it again in Settings, part "Journal".',
})

// The journal as a thing to keep for years: checked, backed up, restored, carried out in open forms, brought in from
// another computer, looked into without changing it.
import { z } from 'zod'
import { count, timeMs } from '../fields.ts'
import { call, id, nothing, started } from './define.ts'

export const backupItem = z.strictObject({
  /** File name inside the backups' folder. */
  name: z.string(),
  bytes: count,
  madeAtMs: timeMs,
  /** Made before an upgrade of the schema. */
  isBeforeUpgrade: z.boolean(),
})
export type BackupItem = z.output<typeof backupItem>

export const journalCheckReport = z.strictObject({
  atMs: timeMs,
  isSound: z.boolean(),
  /** What was found, a sentence each; empty where it is sound. */
  findings: z.array(z.string()),
  tookMs: count,
})
export const journalState = z.strictObject({
  path: z.string(),
  bytes: count,
  schema: count,
  runs: count,
  studies: count,
  backups: z.array(backupItem),
  lastCheck: journalCheckReport.nullable(),
  /** When it is checked next by itself, once nothing is at work. */
  nextCheckAtMs: timeMs.nullable(),
  /** The journal cannot be used: all that works are the calls of this file. */
  damage: z.string().nullable(),
  /** It is whole, but other than it was when it was closed: a person may take it as it is (`journal.accept`). */
  isAcceptable: z.boolean(),
})
export type JournalState = z.output<typeof journalState>

export const restoreReport = z.strictObject({
  backupAtMs: timeMs,
  keptAs: z.string().nullable(),
  /** Name of the backup that was made of the journal first; null where it was damaged or no backup was named. */
  backedUpAs: z.string().nullable(),
  skipped: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
  /** Null where the damaged journal cannot be read any more. */
  missing: z
    .array(z.strictObject({ runId: z.string(), runName: z.string(), firstSeq: count, lastSeq: count }))
    .nullable(),
  /** Besides events; null where that cannot be told. */
  alsoLost: z
    .strictObject({ measurements: count, markedRuns: count, studies: count, projects: count })
    .nullable(),
})

/** Titles of the jobs that are about the whole journal, by which a screen tells them apart. */
export const journalJobs = { check: 'Journal', import: 'Bringing a journal in' } as const

export const journalForms = ['jsonl', 'parquet', 'tensorboard', 'mlflow', 'bundle'] as const
export type JournalForm = (typeof journalForms)[number]

export const importReport = z.strictObject({
  projects: count,
  runs: count,
  studies: count,
  /** There already, with the same contents. */
  known: count,
  /** Not brought in, with the reason. */
  refused: z.array(z.strictObject({ what: z.string(), reason: z.string() })),
  /** What of the newest entries may be missing, in sentences. */
  notices: z.array(z.string()),
})
export type ImportReport = z.output<typeof importReport>

/** A journal that is looked into and never changed: from a USB stick, another computer, a backup. */
export const openedJournal = z.strictObject({
  journalId: id,
  /** Of the file, as the person knows it. */
  name: z.string(),
  /** Where it lies; null for one that a page sent. */
  path: z.string().nullable(),
  schema: count,
  runs: count,
  newestRunAtMs: timeMs.nullable(),
})
export type OpenedJournal = z.output<typeof openedJournal>

/** A file the person picked in the host's dialog, or the name of a finished upload. */
const givenFile = z.strictObject({ handle: z.string().min(1).max(4000) })

/** More runs than that are carried out with everything else. */
export const mostExportedRuns = 1000

export const archiveCalls = {
  'journal.get': call(nothing, journalState),
  /** Reads all of it; a job of kind `journal`. */
  'journal.check': call(nothing, started),
  'journal.backup': call(nothing, backupItem),
  /** Takes this backup, or the newest that verifies, in the journal's place. Refused while anything is at work. */
  'journal.restore': call(z.strictObject({ name: z.string().max(200).optional() }), restoreReport),
  /** Takes a journal that something else changed as it is from now on. */
  'journal.accept': call(nothing, nothing),
  /** Into the library's exports; `runIds` null takes everything (a bundle wants runs). Place by `journal.exports`. */
  'journal.export': call(
    z.strictObject({
      form: z.enum(journalForms),
      runIds: z.array(id).min(1).max(mostExportedRuns).nullable(),
      /** Of a bundle: whether rows of data sets, and answers to them, go along. */
      withRows: z.boolean().default(true),
    }),
    started,
  ),
  'journal.exports': call(
    nothing,
    z.strictObject({
      exports: z.array(
        z.strictObject({
          name: z.string(),
          place: z.string(),
          form: z.enum(journalForms),
          bytes: count,
          createdAtMs: timeMs,
        }),
      ),
    }),
  ),
  /** Another computer's journal, or a run bundle: its runs are added to this one. A job of kind `journal`. */
  'journal.import': call(givenFile, started),
  /** What came of it; null before its end, and where it was stopped or could not be done. */
  'journal.imported': call(
    z.strictObject({ jobId: id }),
    z.strictObject({ report: importReport.nullable() }),
  ),
  'journal.open': call(givenFile, openedJournal),
  'journal.opened': call(nothing, z.strictObject({ journals: z.array(openedJournal) })),
  'journal.close': call(z.strictObject({ journalId: id }), nothing),
} as const

export const archiveEvents = {
  /** `isExchanged`: another file is in its place, so whatever was shown of it is of before. */
  'journal.changed': z.strictObject({ isDamaged: z.boolean(), isExchanged: z.boolean() }),
} as const

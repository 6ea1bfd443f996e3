// The journal as a file to keep: how it stands, read again as a whole, backed up, looked into beside others. That a backup
// takes its place is workstation/lasting-workstation.ts's, which has to close everything for it.
import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { backupsFolderOf, listBackups } from '#journal/backup.ts'
import { newestVersion } from '#journal/migrate.ts'
import { type BackupItem, type JournalState, journalJobs, type SomeHandlers } from '#shared/contract/index.ts'
import { attempt, attemptAsync, fail, ok, type Problem, type Result, unwrap } from '#shared/result.ts'
import type { JobTools } from '../system/jobs.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { givenFile, namedFor } from './given-file.ts'
import { lookIntoFile } from './look-into-file.ts'
import { type JournalFaults, readWholeJournal } from './read-whole-journal.ts'

type JournalCalls =
  | 'journal.get'
  | 'journal.check'
  | 'journal.backup'
  | 'journal.open'
  | 'journal.opened'
  | 'journal.close'

const monthMs = 30 * 24 * 3600 * 1000
/** How often it is looked whether a month is over and nothing is at work. */
const lookEveryMs = 5 * 60_000
/** One that was stopped, or could not be done, is not tried again by itself at the next look. */
const againAfterMs = 24 * 3600 * 1000

export interface JournalKeeping extends SomeHandlers<JournalCalls> {}

/** UTC milliseconds, and what is done again and again until it is undone. */
export interface KeepingClock {
  nowMs(): number
  every(ms: number, look: () => void): () => void
}

export interface KeepingPorts {
  /** Null where nothing is at work. */
  readonly workUnderWay: () => Problem | null
  /** Why the journal cannot be used; null where it can. */
  readonly damage: Problem | null
  /** A copy is read: what a check finds is told, and not kept. */
  readonly isReadOnly?: boolean
  /** Left out, the computer's. */
  readonly clock?: KeepingClock
}

const systemClock: KeepingClock = {
  nowMs: Date.now,
  every(ms, look) {
    const timer = setInterval(look, ms).unref()
    return () => clearInterval(timer)
  },
}

/** `stop` ends the monthly look. */
export function createJournalHandlers(
  context: WorkstationContext,
  { workUnderWay, damage, isReadOnly = false, clock = systemClock }: KeepingPorts,
): { readonly handlers: JournalKeeping; readonly stop: () => void } {
  const { library, reader, writer, launcher, jobs, journals, emit } = context
  const path = library.journalPath

  const lastCheck = (): JournalState['lastCheck'] => (damage === null ? unwrap(reader.lastCheck()) : null)
  let triedAtMs = Number.NEGATIVE_INFINITY
  const isDue = (): boolean =>
    clock.nowMs() >= Math.max((lastCheck()?.atMs ?? 0) + monthMs, triedAtMs + againAfterMs)

  async function check({ signal, tell }: JobTools): Promise<Result<unknown>> {
    tell('Reading every entry again')
    const atMs = clock.nowMs()
    const startedMs = performance.now()
    const faults = await readWholeJournal(launcher, reader.path, signal)
    if (!faults.ok) return faults
    const report = {
      atMs,
      isSound: faults.value.length === 0,
      findings: faults.value.slice(0, mostFindings).map(({ where, message }) => `${where}: ${message}`),
      tookMs: Math.round(performance.now() - startedMs),
    }
    const noted = isReadOnly ? ok(undefined) : writer.noteCheck(report)
    if (!noted.ok) return noted
    emit('journal.changed', { isDamaged: !report.isSound, isExchanged: false })
    return report.isSound ? ok(undefined) : fail(unsound(path, faults.value))
  }
  const startCheck = () =>
    jobs.start({ kind: 'journal', title: journalJobs.check, key: 'journal check' }, check)

  const stop = clock.every(lookEveryMs, () => {
    if (damage !== null || isReadOnly || workUnderWay() !== null) return
    const due = attempt(isDue)
    if (!due.ok || !due.value) return
    triedAtMs = clock.nowMs()
    startCheck()
  })

  const handlers: JournalKeeping = {
    'journal.get': () =>
      attempt((): JournalState => {
        const shared = { path, bytes: bytesOf(path), backups: backupsOf(path) }
        if (damage !== null)
          return {
            ...shared,
            ...{ schema: 0, runs: 0, studies: 0, lastCheck: null, nextCheckAtMs: null },
            damage: damage.details ?? damage.message,
            isAcceptable: damage.code === 'journal.changed',
          }
        const checked = lastCheck()
        return {
          ...shared,
          schema: newestVersion,
          runs: unwrap(reader.listRuns({ limit: 1, hasTrials: true, archived: 'with' })).total,
          studies: unwrap(reader.studies()).length,
          lastCheck: checked,
          nextCheckAtMs: checked === null ? clock.nowMs() : checked.atMs + monthMs,
          damage: null,
          isAcceptable: false,
        }
      }),
    'journal.check': () => ok(startCheck()),
    'journal.backup': () =>
      attempt(() => {
        const made = unwrap(writer.backup())
        emit('journal.changed', { isDamaged: false, isExchanged: false })
        const found = backupsOf(path).find(({ name }) => name === basename(made.path))
        return (
          found ?? {
            name: basename(made.path),
            bytes: made.bytes,
            madeAtMs: Date.now(),
            isBeforeUpgrade: false,
          }
        )
      }),
    'journal.open': ({ handle }) =>
      attemptAsync(async () => {
        const file = unwrap(givenFile(context, handle))
        try {
          return unwrap(namedFor(file, await lookIntoFile(file, journals)))
        } finally {
          // What is looked into is a copy of its own; a given file that cannot be put away now is swept at the next start.
          void file.done().catch(() => {})
        }
      }),
    'journal.opened': () => ok({ journals: journals.list() }),
    'journal.close': ({ journalId }) => {
      journals.close(journalId)
      return ok({})
    },
  }
  return { handlers, stop }
}

/** More are no help to anybody. */
const mostFindings = 100

const bytesOf = (path: string): number =>
  ['', '-wal'].reduce(
    (sum, suffix) => sum + (existsSync(path + suffix) ? statSync(path + suffix).size : 0),
    0,
  )

const backupsOf = (path: string): BackupItem[] =>
  listBackups(backupsFolderOf(path)).map((one) => ({
    name: basename(one.path),
    bytes: bytesOf(one.path),
    madeAtMs: one.atMs,
    isBeforeUpgrade: one.isBeforeUpgrade,
  }))

const unsound = (path: string, faults: JournalFaults): Problem => ({
  code: 'journal.corrupt',
  message:
    faults.length === 1
      ? 'One thing in the journal is not what was written.'
      : `${faults.length} things in the journal are not what was written.`,
  where: path,
  remedy:
    'Do not trust what is named here; the rest is sound. In Settings, part "Journal", a backup can take its place.',
  faults,
})

// After damage, or because a person wants to go back: a backup that verifies takes the journal's place. What was there is
// kept beside it, together, under a name that says what it is, and what the backup lacks is listed as far as it can tell.
import { chmodSync, copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import Database from 'better-sqlite3'
import { ProblemError, type Result } from '#shared/result.ts'
import { runLabel } from '#shared/run-label.ts'
import { type AlsoLost, countAlsoLost } from './also-lost.ts'
import { backupsFolderOf, listBackups, syncFile, syncFolder } from './backup.ts'
import { createPrivately, hasKnownFormat, openForReading } from './connection.ts'
import { assertUnchanged } from './contents-digest.ts'
import { countDroppedCommits } from './log-check.ts'
import { readVersion } from './migrate.ts'
import { attemptOn } from './problems.ts'
import { readRunNumbers } from './read-run-numbers.ts'
import { assertSchema } from './schema-check.ts'
import { takeWriterLock } from './writer-lock.ts'

/** The copy of the backup until it takes the journal's place; alone there, it tells of a restore that was cut short. */
export const restoringPath = (path: string): string => `${path}.restoring`

/** Events of one run that the damaged journal held and the restored one does not. */
export interface MissingEvents {
  readonly runId: string
  /** As it is called beside others of its name (`runLabel`). */
  readonly runName: string
  readonly firstSeq: number
  readonly lastSeq: number
}

export interface RestoreReport {
  readonly restoredFrom: string
  /** When that backup was made, UTC milliseconds. */
  readonly backupAtMs: number
  /** Newer backups that did not verify, each with the reason. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
  /** Where the files are now that the backup took the place of; null where there was none. */
  readonly keptAs: string | null
  /** What was lost; null where the damaged file can no longer be read, so everything after the backup is. */
  readonly missing: readonly MissingEvents[] | null
  /** What else was lost; null where that cannot be told. */
  readonly alsoLost: AlsoLost | null
}

export interface RestoreOptions {
  /** File name of the backup; left out, the newest that verifies. */
  readonly name?: string | undefined
  readonly folder?: string
  readonly nowMs?: number
}

/** Puts a verified backup in the journal's place. Takes the writer's lock: nobody may have it open. */
export function restoreBackup(
  path: string,
  { name, folder = backupsFolderOf(path), nowMs = Date.now() }: RestoreOptions = {},
): Result<RestoreReport> {
  return attemptOn(path, () => {
    const lock = takeWriterLock(path)
    try {
      const chosen = name === undefined ? chooseBackup(folder) : namedBackup(folder, name)
      return restoreLocked(path, chosen, folder, nowMs)
    } finally {
      lock.release()
    }
  })
}

function restoreLocked(
  path: string,
  { chosen, skipped }: ChosenBackup,
  folder: string,
  nowMs: number,
): RestoreReport {
  const missing = listMissing(path, chosen.path)
  const alsoLost = countAlsoLost(path, chosen.path)
  const temporary = restoringPath(path)
  rmSync(temporary, { force: true })
  try {
    createPrivately(temporary)
    copyFileSync(chosen.path, temporary)
    chmodSync(temporary, 0o600)
    layToRest(temporary)
    syncFile(temporary)
    const reason = whyNotSound(temporary)
    if (reason !== undefined) throw backupProblem(folder, `the copy of ${chosen.path}: ${reason}`)
    const keptAs = moveAside(path, isSoundJournal(path) ? 'before-restore' : 'damaged', nowMs)
    renameSync(temporary, path)
    syncFolder(dirname(path))
    return { restoredFrom: chosen.path, backupAtMs: chosen.atMs, skipped, keptAs, missing, alsoLost }
  } finally {
    rmSync(temporary, { force: true })
  }
}

interface ChosenBackup {
  readonly chosen: { readonly path: string; readonly atMs: number }
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}

/** This one or none: a person who names a backup does not want another one. */
function namedBackup(folder: string, name: string): ChosenBackup {
  const chosen = listBackups(folder).find(({ path }) => basename(path) === name)
  if (chosen === undefined)
    throw new ProblemError({
      code: 'journal.no-backup',
      message: 'There is no backup of this name, so nothing was changed.',
      where: name,
      remedy: 'Take a name from: tunewright journal backups.',
    })
  const reason = whyNotSound(chosen.path)
  if (reason !== undefined) throw backupProblem(folder, `${chosen.path}: ${reason}`)
  return { chosen, skipped: [] }
}

/** What was under way when the backup was made does not go on by itself: nobody knows what has become of it since. */
function layToRest(path: string): void {
  const db = new Database(path)
  try {
    const has = (name: string) =>
      db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== undefined
    if (has('studies')) db.exec("UPDATE studies SET status = 'paused' WHERE status IN ('waiting', 'running')")
    if (has('queue')) db.exec('DELETE FROM queue')
  } finally {
    db.close()
  }
}

/** The newest backup that verifies. */
function chooseBackup(folder: string): ChosenBackup {
  const skipped: { path: string; reason: string }[] = []
  for (const chosen of listBackups(folder)) {
    const reason = whyNotSound(chosen.path)
    if (reason === undefined) return { chosen, skipped }
    skipped.push({ path: chosen.path, reason })
  }
  throw backupProblem(folder, skipped.map(({ path, reason }) => `${path}: ${reason}`).join('; '))
}

const backupProblem = (folder: string, details: string): ProblemError =>
  new ProblemError({
    code: 'journal.no-backup',
    message: 'There is no backup that can be trusted, so nothing was changed.',
    where: folder,
    remedy: 'Keep the damaged journal; start Tunewright with another folder, or ask for help with this one.',
    ...(details === '' ? {} : { details }),
  })

/** Whether nothing is wrong with the journal there, so that no backup takes its place unasked. Nobody may have it open. */
export function isSoundJournal(path: string): boolean {
  if (!existsSync(path) || !hasKnownFormat(path)) return false
  if (whyNotSound(path) !== undefined || countDroppedCommits(path) > 0) return false
  return attemptOn(path, () => {
    const db = openForReading(path)
    try {
      assertUnchanged(db, path)
    } finally {
      db.close()
    }
  }).ok
}

/** Why a backup cannot be used; undefined where it is sound and of a schema that we know. */
function whyNotSound(path: string): string | undefined {
  const result = attemptOn(path, () => {
    const db = openForReading(path)
    try {
      const version = readVersion(db, path)
      if (version === 0) return 'it is empty'
      assertSchema(db, path, version)
      const verdict = db.pragma('integrity_check(1)', { simple: true }) as string
      return verdict === 'ok' ? undefined : verdict
    } finally {
      db.close()
    }
  })
  return result.ok ? result.value : (result.problem.details ?? result.problem.message)
}

/** Moves the journal and its companions aside together, so that none of them meets the restored file. */
function moveAside(path: string, as: 'before-restore' | 'damaged', nowMs: number): string | null {
  const name = `${path}.${as}-${new Date(nowMs).toISOString().replace(/[-:.]/g, '')}`
  for (const suffix of ['-wal', '-shm', ''])
    if (existsSync(path + suffix)) renameSync(path + suffix, name + suffix)
  return existsSync(name) ? name : null
}

type Heads = Map<string, { name: string; seq: number }>

function listMissing(damagedPath: string, backupPath: string): MissingEvents[] | null {
  const damaged = tryReadHeads(damagedPath)
  const kept = tryReadHeads(backupPath)
  if (!damaged || !kept) return null
  return [...damaged]
    .map(([runId, { name, seq }]) => ({
      runId,
      runName: name,
      firstSeq: (kept.get(runId)?.seq ?? 0) + 1,
      lastSeq: seq,
    }))
    .filter(({ runId, firstSeq, lastSeq }) => lastSeq >= firstSeq || !kept.has(runId))
}

/** The last event of every run, as far as the file can be read; undefined where it cannot. */
function tryReadHeads(path: string): Heads | undefined {
  if (!existsSync(path)) return undefined
  let db: Database.Database | undefined
  try {
    db = openForReading(path)
    const rows = db
      .prepare(
        'SELECT id, name, coalesce((SELECT max(seq) FROM events WHERE run_id = runs.id), 0) AS seq FROM runs',
      )
      .all() as { id: string; name: string; seq: number }[]
    const numbers = numbersOf(
      db,
      rows.map(({ id }) => id),
    )
    return new Map(
      rows.map(({ id, name, seq }) => [
        id,
        { name: runLabel({ name, number: numbers.get(id) ?? null }), seq },
      ]),
    )
  } catch (error) {
    if (error instanceof Database.SqliteError) return undefined
    throw error
  } finally {
    db?.close()
  }
}

/** None where it is too old, or too damaged, to tell. */
function numbersOf(db: Database.Database, runIds: readonly string[]): ReadonlyMap<string, number> {
  try {
    return readRunNumbers(db, runIds)
  } catch (error) {
    if (error instanceof Database.SqliteError) return new Map()
    throw error
  }
}

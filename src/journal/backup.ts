// Verified backups. A journal is never copied as a file: a copy of a live one lacks its newest rows and looks healthy.
// VACUUM INTO writes a whole new file, which is fsynced, checked against its source and only then given its name.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { ProblemError } from '#shared/result.ts'
import { createPrivately, openForReading } from './connection.ts'
import { asJournalProblem, closedProblem } from './problems.ts'
import { waysBack } from './ways-back.ts'

export interface BackupReport {
  readonly path: string
  readonly bytes: number
  readonly runs: number
  readonly events: number
  /** Older backups that were taken away to keep 7 and 4 weekly ones. */
  readonly pruned: readonly string[]
}

export const keepNewest = 7
const keepWeekly = 4
const keepBeforeUpgrade = 3
const weekMs = 7 * 24 * 3600 * 1000

export const backupsFolderOf = (journalPath: string): string => join(dirname(journalPath), 'backups')

/**
 * Writes a verified backup into `folder` and prunes older ones, but never the file named `spared`. Not inside a
 * transaction; `db` is the writer's.
 */
export function backUp(
  db: Database.Database,
  journalPath: string,
  folder: string,
  nowMs: number,
  {
    prefix = 'journal',
    spared,
  }: { prefix?: 'journal' | `before-schema-${number}`; spared?: string | undefined } = {},
): BackupReport {
  if (!db.open) throw new ProblemError(closedProblem(journalPath))
  const name = `${prefix}-${timeName(nowMs)}.db`
  const temporary = join(folder, `${name}.tmp-${process.pid}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    sweepTemporary(folder)
    const final = freeName(folder, name)
    createPrivately(temporary)
    db.prepare('VACUUM INTO ?').run(temporary)
    closeSessions(temporary, nowMs)
    syncFile(temporary)
    const { runs, events } = assertSameContents(db, temporary, journalPath)
    renameSync(temporary, final)
    syncFolder(folder)
    return {
      path: final,
      bytes: statSync(final).size,
      runs,
      events,
      pruned: prune(journalPath, folder, nowMs, spared),
    }
  } catch (error) {
    tryRemove(temporary)
    throw asBackupError(error, journalPath, folder)
  }
}

/** A backup is whole: nobody who opens it later should be told that the journal was left open. */
function closeSessions(copyPath: string, nowMs: number): void {
  const copy = new Database(copyPath)
  try {
    copy.prepare('UPDATE sessions SET closed_at_ms = ? WHERE closed_at_ms IS NULL').run(nowMs)
  } finally {
    copy.close()
  }
}

function asBackupError(error: unknown, journalPath: string, folder: string): unknown {
  const problem = asJournalProblem(error, journalPath)
  if (!problem || problem.code === 'journal.corrupt' || problem.code === 'journal.backup-failed') return error
  return new ProblemError({
    code: 'journal.backup-failed',
    message: `No backup could be made: ${problem.message}`,
    where: folder,
    remedy: 'Check the free space and your rights in this folder. The journal itself is unharmed.',
    details: problem.details ?? problem.message,
  })
}

interface Contents {
  readonly runs: number
  readonly events: number
  readonly tables: string
  readonly heads: string
}

/** Row counts of every table and the last event of every run. */
function describeContents(db: Database.Database): Contents {
  const names = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .pluck()
    .all() as string[]
  const counts = new Map(
    names.map((name) => [name, db.prepare(`SELECT count(*) FROM "${name}"`).pluck().get() as number]),
  )
  const heads = counts.has('events')
    ? db
        .prepare('SELECT run_id, max(seq), lower(hex(hash)) FROM events GROUP BY run_id ORDER BY run_id')
        .raw()
        .all()
    : []
  return {
    runs: counts.get('runs') ?? 0,
    events: counts.get('events') ?? 0,
    tables: JSON.stringify([...counts]),
    heads: JSON.stringify(heads),
  }
}

function assertSameContents(db: Database.Database, copyPath: string, journalPath: string): Contents {
  const copy = openForReading(copyPath)
  try {
    const verdict = copy.pragma('integrity_check(1)', { simple: true })
    const wanted = describeContents(db)
    const found = describeContents(copy)
    if (verdict === 'ok' && wanted.tables === found.tables && wanted.heads === found.heads) return found
    throw new ProblemError({
      code: 'journal.backup-failed',
      message: 'The backup does not hold what the journal holds, so it was thrown away.',
      where: journalPath,
      remedy: 'Check the disk, then try again.',
      details: String(verdict),
    })
  } finally {
    copy.close()
  }
}

/** Backups in a folder, newest first. */
export function listBackups(folder: string): { path: string; atMs: number; isBeforeUpgrade: boolean }[] {
  if (!existsSync(folder)) return []
  const found: { path: string; atMs: number; isBeforeUpgrade: boolean }[] = []
  for (const name of readdirSync(folder)) {
    const match =
      /^(journal|before-schema-\d+)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z(?:-\d+)?\.db$/.exec(name)
    if (!match) continue
    const [, prefix, year, month, day, hour, minute, second, ms] = match
    const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
    found.push({ path: join(folder, name), atMs, isBeforeUpgrade: prefix !== 'journal' })
  }
  return found.sort((a, b) => b.atMs - a.atMs || (a.path < b.path ? 1 : -1))
}

/** Whether the newest ordinary backup in a folder is older than that, or there is none. */
export function isBackupDue(folder: string, ageMs: number, nowMs: number): boolean {
  const newest = listBackups(folder).find((backup) => !backup.isBeforeUpgrade)
  return newest === undefined || nowMs - newest.atMs > ageMs
}

/**
 * Keeps the newest 7, the newest of each of 4 older weeks, the newest 3 made before a change of schema, and the ways back
 * from restores of late.
 */
function prune(journalPath: string, folder: string, nowMs: number, spared: string | undefined): string[] {
  const backups = listBackups(folder)
  const beforeUpgrade = backups.filter((backup) => backup.isBeforeUpgrade)
  const ordinary = backups.filter((backup) => !backup.isBeforeUpgrade)
  const kept = new Set([
    ...ordinary.slice(0, keepNewest),
    ...beforeUpgrade.slice(0, keepBeforeUpgrade),
    ...waysBack(journalPath, backups, nowMs),
  ])
  const weeks = new Set<number>()
  for (const backup of ordinary.slice(keepNewest)) {
    const week = Math.floor(backup.atMs / weekMs)
    if (weeks.has(week) || weeks.size >= keepWeekly) continue
    weeks.add(week)
    kept.add(backup)
  }
  return backups
    .filter((backup) => !kept.has(backup) && basename(backup.path) !== spared)
    .map((backup) => backup.path)
    .filter(tryRemove)
}

/** What cannot be removed now (another program holds it open, say) stays till the next backup; nothing fails by it. */
function tryRemove(path: string): boolean {
  try {
    rmSync(path, { force: true })
    return true
  } catch {
    return false
  }
}

/** What an interrupted backup left behind; this process's lock on the journal says that nobody is writing one now. */
function sweepTemporary(folder: string): void {
  for (const name of readdirSync(folder))
    if (/\.db\.tmp-\d+(-journal)?$/.test(name)) rmSync(join(folder, name), { force: true })
}

const timeName = (ms: number): string => new Date(ms).toISOString().replace(/[-:.]/g, '')

function freeName(folder: string, name: string): string {
  let path = join(folder, name)
  for (let i = 2; existsSync(path); i++) path = join(folder, name.replace(/\.db$/, `-${i}.db`))
  return path
}

export function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Makes a rename in this folder durable; Windows has no such call and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

// Backups hold what the journal holds, are kept by rule, and bring the journal back with a list of what is missing.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { listBackups } from '#journal/backup.ts'
import { openJournalReader } from '#journal/reader.ts'
import { restoreBackup, restoringPath } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { rowsOf } from '../migrations/journal-at.ts'
import { copyJournal } from './support/copies.ts'
import { openSample, temporaryFolder } from './support/folders.ts'
import { codeOf, good, stepEvent } from './support/sample.ts'
import { addSampleStudy } from './support/study.ts'

const dayMs = 24 * 3600 * 1000

function sampleWithRun(options: Parameters<typeof openSample>[0] = {}) {
  const sample = openSample(options)
  const { id } = good(sample.writer.createRun(sample.newRun))
  good(sample.writer.startAttempt(id))
  good(sample.writer.appendEvents(id, 1, [stepEvent(1, 1), stepEvent(2, 2), stepEvent(3, 3)]))
  return { ...sample, id }
}

test('a backup of a live journal holds every committed row; a plain copy does not', () => {
  const { writer, path, id } = sampleWithRun()
  const report = good(writer.backup())
  expect(report).toMatchObject({ runs: 1, events: 3, pruned: [] })
  const rows = rowsOf(path)
  expect(rowsOf(report.path)).toEqual(rows)
  expect(readdirSync(dirname(report.path))).toEqual([basename(report.path)])

  // The reason why the journal is never copied as a file: this copy is sound, and empty.
  const plain = new Database(copyJournal(path, { withLog: false }))
  expect(plain.pragma('integrity_check', { simple: true })).toBe('ok')
  expect(plain.prepare('SELECT count(*) FROM events WHERE run_id = ?').pluck().get(id)).toBe(0)
  plain.close()
  good(writer.close())
})

test('a backup opens as a journal of its own, without complaint', () => {
  const { writer, id } = sampleWithRun()
  const report = good(writer.backup())
  const copy = copyJournal(report.path)
  const second = good(openJournalWriter(copy))
  expect(second.opened).toMatchObject({
    isNew: false,
    afterUncleanExit: false,
    notices: [],
    upgradedFrom: null,
  })
  good(second.appendEvents(id, 1, [stepEvent(4, 4)]))
  good(second.close())
  good(writer.close())
})

test('a journal copied without its log is told apart', () => {
  const { writer, path, newRun } = sampleWithRun()
  const copy = copyJournal(path, { withLog: false })
  const opened = good(openJournalWriter(copy))
  expect(opened.opened.afterUncleanExit).toBe(true)
  expect(opened.opened.notices).toEqual([expect.stringContaining('companion file (-wal) is missing')])
  good(opened.close())
  const whole = good(openJournalWriter(copyJournal(path)))
  expect(whole.opened.notices).toEqual([])
  good(whole.close())
  good(writer.createRun(newRun))
  good(writer.close())
})

test('a row that was changed while the journal was closed is refused until a person takes it as it is', () => {
  const { writer, path, id } = sampleWithRun()
  good(writer.close())
  const db = new Database(path)
  db.prepare('UPDATE runs SET best_loss_nats = 0.01 WHERE id = ?').run(id)
  db.close()
  expect(codeOf(openJournalReader(path))).toBe('journal.changed')
  expect(codeOf(openJournalWriter(path))).toBe('journal.changed')
  const taken = good(openJournalWriter(path, { acceptsChanges: true }))
  expect(good(taken.close())).toBeUndefined()
  const third = good(openJournalWriter(path))
  expect(third.opened.notices).toEqual([])
  good(third.close())
  const reader = good(openJournalReader(path))
  expect(good(reader.getRun(id)).bestLossNats).toBe(0.01)
  reader.close()
})

test('seven newest and four weekly backups are kept', () => {
  let nowMs = Date.UTC(2026, 0, 5, 12)
  const { writer, path } = openSample({ now: () => nowMs })
  const folder = join(dirname(path), 'backups')
  const made: number[] = []
  for (let day = 0; day < 60; day++) {
    made.push(nowMs)
    good(writer.backup())
    nowMs += dayMs
  }
  good(writer.close())
  const kept = listBackups(folder).map((backup) => backup.atMs)
  expect(kept).toHaveLength(11)
  expect(kept.slice(0, 7)).toEqual(made.slice(-7).reverse())
  const weeks = kept.slice(7).map((atMs) => Math.floor(atMs / (7 * dayMs)))
  expect(new Set(weeks).size).toBe(4)
  expect(Math.max(...weeks) - Math.min(...weeks)).toBe(3)
})

test('the way back from a restore stays 30 days, however many backups come after it', () => {
  let nowMs = Date.UTC(2026, 0, 5, 12)
  const path = join(temporaryFolder(), 'journal.db')
  const open = () => good(openJournalWriter(path, { now: () => nowMs }))
  const folder = join(dirname(path), 'backups')
  const first = open()
  good(first.backup())
  nowMs += 1000
  const wayBack = basename(good(first.backup()).path)
  good(first.close())
  nowMs += 1000
  good(restoreBackup(path, { nowMs }))
  const writer = open()
  const isThere = () => readdirSync(folder).includes(wayBack)
  for (let day = 0; day < 24; day++) {
    nowMs += dayMs
    good(writer.backup())
    good(writer.backup())
    expect([day, isThere()]).toEqual([day, true])
  }
  nowMs += 30 * dayMs
  for (let n = 0; n < 7; n++) good(writer.backup())
  expect(isThere()).toBe(false)
  good(writer.close())
})

test('what an interrupted backup left behind is swept, other files are not touched', () => {
  const { writer, path } = sampleWithRun()
  const folder = join(dirname(path), 'backups')
  mkdirSync(folder)
  writeFileSync(join(folder, 'journal-20260101T000000000Z.db.tmp-123'), 'half')
  writeFileSync(join(folder, 'my own notes.txt'), 'keep')
  const { path: backup } = good(writer.backup())
  expect(readdirSync(folder).sort()).toEqual([basename(backup), 'my own notes.txt'].sort())
  good(writer.close())
})

test('a daily backup is made once a day, whatever upgrades left behind', () => {
  let nowMs = 1_750_000_000_000
  const { writer } = sampleWithRun({ now: () => nowMs })
  expect(good(writer.backupIfOlderThan(dayMs))?.events).toBe(3)
  expect(good(writer.backupIfOlderThan(dayMs))).toBeNull()
  nowMs += dayMs
  expect(good(writer.backupIfOlderThan(dayMs))).toBeNull()
  nowMs += 1
  expect(good(writer.backupIfOlderThan(dayMs))).not.toBeNull()
  good(writer.close())
})

test('a backup into a folder that cannot be made says so; once the journal was said to be unreadable', () => {
  const { writer, path } = sampleWithRun()
  const failed = writer.backup(join(path, 'below a file'))
  expect(codeOf(failed)).toBe('journal.backup-failed')
  expect(!failed.ok && failed.problem.where).toBe(join(path, 'below a file'))
  good(writer.close())
})

test('an old backup that cannot be removed does not spoil the new one', () => {
  let nowMs = Date.UTC(2026, 0, 5, 12)
  const { writer, path } = sampleWithRun({ now: () => nowMs })
  const stuck = join(dirname(path), 'backups', 'journal-20200101T000000000Z.db')
  mkdirSync(stuck, { recursive: true })
  for (let week = 0; week < 12; week++) {
    expect(good(writer.backup()).events).toBe(3)
    nowMs += 7 * dayMs
  }
  expect(existsSync(stuck)).toBe(true)
  expect(listBackups(dirname(stuck))).toHaveLength(12)
  good(writer.close())
})

test('two backups in the same millisecond are two files', () => {
  const { writer, path } = sampleWithRun({ now: () => 1_750_000_000_000 })
  const names = [good(writer.backup()).path, good(writer.backup()).path]
  expect(new Set(names).size).toBe(2)
  expect(listBackups(join(dirname(path), 'backups'))).toHaveLength(2)
  good(writer.close())
})

test('a damaged journal is refused, restored from the newest sound backup, and what is missing is named', () => {
  const { writer, path, newRun, id } = sampleWithRun()
  const older = good(writer.backup())
  good(writer.appendEvents(id, 1, [stepEvent(4, 4)]))
  const newer = good(writer.backup())
  good(writer.appendEvents(id, 1, [stepEvent(5, 5), stepEvent(6, 6)]))
  const [late, later] = [0, 1].map(() => good(writer.createRun({ ...newRun, name: 'Too late' })))
  good(writer.close())

  smash(newer.path)
  const damaged = damageOneTable(path, 'answers')
  expect(codeOf(openJournalWriter(path))).toBe('journal.corrupt')
  const report = good(restoreBackup(path))
  expect(report.restoredFrom).toBe(older.path)
  expect(report.skipped.map((skipped) => skipped.path)).toEqual([newer.path])
  expect(report.missing).toEqual([
    { runId: id, runName: 'First try', firstSeq: 4, lastSeq: 6 },
    { runId: late?.id, runName: 'Too late #2', firstSeq: 1, lastSeq: 0 },
    { runId: later?.id, runName: 'Too late #3', firstSeq: 1, lastSeq: 0 },
  ])
  expect(readFileSync(report.keptAs ?? '').equals(damaged)).toBe(true)
  expect(report.keptAs).toMatch(/journal\.db\.damaged-[0-9TZ]+$/)

  const restored = good(openJournalWriter(path))
  expect(restored.opened).toMatchObject({ isNew: false, afterUncleanExit: false, notices: [] })
  const reader = good(openJournalReader(path))
  expect(good(reader.getRun(id)).headSeq).toBe(3)
  expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
  reader.close()
  good(restored.close())
})

test('a journal that cannot be read at all is restored too; what was lost is then unknown', () => {
  const { writer, path } = sampleWithRun()
  good(writer.backup())
  good(writer.close())
  smash(path)
  expect(codeOf(openJournalWriter(path))).toBe('journal.corrupt')
  expect(codeOf(openJournalReader(path))).toBe('journal.corrupt')
  const report = good(restoreBackup(path))
  expect(report.missing).toBeNull()
  expect(existsSync(report.keptAs ?? '')).toBe(true)
  good(good(openJournalWriter(path)).close())
})

test('a journal that is gone is restored, its folder too', () => {
  const { writer, id } = sampleWithRun()
  const backup = good(writer.backup())
  good(writer.close())
  const elsewhere = join(temporaryFolder(), 'gone', 'journal.db')
  const report = good(restoreBackup(elsewhere, { folder: dirname(backup.path) }))
  expect(report).toMatchObject({ keptAs: null, missing: null, restoredFrom: backup.path })
  const reader = good(openJournalReader(elsewhere))
  expect(good(reader.getRun(id)).headSeq).toBe(3)
  reader.close()
})

test('a restore that was cut short before its last step is told and done again, not taken for a first start', () => {
  const { writer, path, id } = sampleWithRun()
  good(writer.backup())
  good(writer.close())
  renameSync(path, `${path}.damaged-20260101T000000000Z`)
  writeFileSync(restoringPath(path), 'a copy')
  expect(codeOf(openJournalWriter(path))).toBe('journal.corrupt')
  expect(existsSync(path)).toBe(false)
  good(restoreBackup(path))
  expect(existsSync(restoringPath(path))).toBe(false)
  const restored = good(openJournalWriter(path))
  good(restored.appendEvents(id, 1, [stepEvent(4, 4)]))
  good(restored.close())
})

test('without a sound backup nothing is touched', () => {
  const { writer, path } = sampleWithRun()
  const backup = good(writer.backup())
  good(writer.close())
  smash(backup.path)
  const before = readFileSync(path)
  expect(codeOf(restoreBackup(path))).toBe('journal.no-backup')
  expect(codeOf(restoreBackup(path, { folder: temporaryFolder() }))).toBe('journal.no-backup')
  expect(readFileSync(path).equals(before)).toBe(true)
  good(good(openJournalWriter(path)).close())
})

function smash(path: string): void {
  writeFileSync(path, 'this is not a database any more, '.repeat(200))
}

/** Fills the root page of a table with rubbish; the other tables stay readable. Returns the damaged bytes. */
function damageOneTable(path: string, table: string): Buffer {
  const db = new Database(path, { readonly: true })
  const page = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) as number
  db.close()
  const bytes = readFileSync(path)
  bytes.fill(0xa5, (page - 1) * 4096, page * 4096)
  writeFileSync(path, bytes)
  return bytes
}

test('what was under way when the backup was made is at rest after it', () => {
  const { writer, path, newRun } = openSample()
  addSampleStudy(writer, newRun, 'study-0')
  good(writer.changeStudy('study-0', { status: 'running' }))
  good(writer.backup())
  good(writer.close())
  good(restoreBackup(path))
  const reader = good(openJournalReader(path))
  expect(good(reader.study('study-0')).status).toBe('paused')
  expect(good(reader.queue())).toEqual([])
  reader.close()
})

test('a trigger that another hand added is refused: it would change rows by itself', () => {
  const { writer, path } = openSample()
  good(writer.close())
  const db = new Database(path)
  db.exec("CREATE TRIGGER strange AFTER INSERT ON sessions BEGIN UPDATE projects SET name = 'evil'; END")
  db.close()
  expect(codeOf(openJournalReader(path))).toBe('journal.corrupt')
  expect(codeOf(openJournalWriter(path))).toBe('journal.corrupt')
})

// journal restore | accept | check | backups
import { basename } from 'node:path'
import { readWholeJournal } from '#core/archive/read-whole-journal.ts'
import { backupsFolderOf, listBackups } from '#journal/backup.ts'
import { restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { exitCodes } from '../output.ts'

/** Puts a backup in the journal's place, the newest that verifies where none is named; the old files stay beside it. */
export function restoreJournal({ library, output }: Application, options: { backup?: string }): void {
  const report = unwrap(restoreBackup(library.journalPath, { name: options.backup }))
  output.line(`The journal is back as it was on ${new Date(report.backupAtMs).toISOString()}.`)
  if (report.damagedKeptAs) output.line(`What was in its place is kept as ${report.damagedKeptAs}`)
  for (const { path, reason } of report.skipped) output.line(`Not used, does not verify: ${path} (${reason})`)
  if (report.missing === null)
    output.line('What came after the backup is lost; the damaged journal cannot be read any more.')
  else
    for (const { runName, runId, firstSeq, lastSeq } of report.missing)
      output.line(`Missing: events ${firstSeq} to ${lastSeq} of ${runName} (${runId})`)
  output.result(report)
}

/** Takes a journal that something else changed as it is from now on. */
export function acceptJournal({ library, output }: Application): void {
  const writer = unwrap(openJournalWriter(library.journalPath, { acceptsChanges: true }))
  unwrap(writer.close())
  output.line('From now on the journal counts as it is.')
  output.result({ accepted: true })
}

/** Reads every entry again and keeps what was found. */
export async function checkJournal(application: Application): Promise<void> {
  const { library, launcher, output } = application
  const writer = application.writer()
  const atMs = Date.now()
  output.progress('Reading every entry again', true)
  const faults = unwrap(await readWholeJournal(launcher, library.journalPath))
  const findings = faults.map(({ where, message }) => `${where}: ${message}`)
  const report = { atMs, isSound: findings.length === 0, findings, tookMs: Date.now() - atMs }
  unwrap(writer.noteCheck(report))
  output.line(report.isSound ? 'Every entry is what was written.' : 'These entries are not what was written:')
  for (const finding of findings) output.line(`  ${finding}`)
  if (!report.isSound) application.setExitCode(exitCodes.problem)
  output.result(report)
}

/** The backups there are, newest first, by the names that `journal restore --backup` takes. */
export function showBackups({ library, output }: Application): void {
  const backups = listBackups(backupsFolderOf(library.journalPath))
  if (backups.length === 0) output.line('There are no backups yet.')
  for (const { path, atMs, isBeforeUpgrade } of backups)
    output.line(
      `${basename(path)}  ${new Date(atMs).toISOString()}${isBeforeUpgrade ? '  made before an upgrade' : ''}`,
    )
  output.result({ backups })
}

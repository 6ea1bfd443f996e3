// journal restore | accept | check | backups
import { basename } from 'node:path'
import { goBack } from '#core/archive/go-back.ts'
import { readWholeJournal } from '#core/archive/read-whole-journal.ts'
import { backupsFolderOf, listBackups } from '#journal/backup.ts'
import { isSoundJournal, type RestoreReport } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { exitCodes } from '../output.ts'

/**
 * Puts a backup in the journal's place, the newest that verifies where none is named; the old files stay beside it. A
 * sound journal is replaced only by a backup that was named, and backed up first.
 */
export function restoreJournal({ library, output }: Application, options: { backup?: string }): void {
  if (options.backup === undefined && isSoundJournal(library.journalPath))
    throw new ProblemError(soundProblem(library.journalPath))
  const report = unwrap(goBack(library.journalPath, options.backup))
  output.line(`The journal is back as it was on ${new Date(report.backupAtMs).toISOString()}.`)
  if (report.backedUpAs) output.line(`The way back from it: the backup ${report.backedUpAs}`)
  else if (options.backup !== undefined && report.keptAs)
    output.line('No backup of the journal that was in its place could be made: this program cannot open it.')
  if (report.keptAs) output.line(`What was in its place is kept as ${report.keptAs}`)
  for (const { path, reason } of report.skipped) output.line(`Not used, does not verify: ${path} (${reason})`)
  if (report.missing === null)
    output.line('What came after the backup is lost; the damaged journal cannot be read any more.')
  else
    for (const { runName, runId, firstSeq, lastSeq } of report.missing)
      output.line(
        lastSeq < firstSeq
          ? `Missing: ${runName} (${runId})`
          : `Missing: events ${firstSeq} to ${lastSeq} of ${runName} (${runId})`,
      )
  for (const line of alsoLostLines(report.alsoLost)) output.line(line)
  output.line('Whatever else was written after that time, such as settings and links, is not in the journal.')
  output.result(report)
}

const soundProblem = (path: string): Problem => ({
  code: 'journal.no-backup',
  message: 'Nothing is wrong with the journal as it opens, so no backup was put in its place unasked.',
  where: path,
  remedy:
    'To go back all the same, name the backup: tunewright journal restore --backup NAME. The names: tunewright journal backups.',
})

function alsoLostLines(lost: RestoreReport['alsoLost']): string[] {
  if (lost === null) return []
  const counts: [string, number][] = [
    ['measurements, such as those of proofs', lost.measurements],
    ['runs whose notes, stars, tags or name are as they were then', lost.markedRuns],
    ['searches', lost.studies],
    ['projects', lost.projects],
  ]
  return counts.filter(([, count]) => count > 0).map(([what, count]) => `Also lost: ${what}: ${count}`)
}

/** Takes a journal that something else changed as it is from now on. */
export function acceptJournal({ library, output }: Application): void {
  const writer = unwrap(openJournalWriter(library.journalPath, { acceptsChanges: true }))
  unwrap(writer.close())
  output.line('From now on the journal counts as it is.')
  output.result({ accepted: true })
}

/** Reads every entry again, and keeps what was found where the journal is one's own and can be written. */
export async function checkJournal(application: Application): Promise<void> {
  const { launcher, output } = application
  const { path } = application.reader('as-written')
  const writer = application.writerIfPossible()
  const atMs = Date.now()
  output.progress('Reading every entry again', true)
  const faults = unwrap(await readWholeJournal(launcher, path))
  const findings = faults.map(({ where, message }) => `${where}: ${message}`)
  const report = { atMs, isSound: findings.length === 0, findings, tookMs: Date.now() - atMs }
  if (writer !== null) unwrap(writer.noteCheck(report))
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

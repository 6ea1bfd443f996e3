// journal restore
import { restoreNewestBackup } from '#journal/restore.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'

/** Puts the newest backup that verifies in the journal's place; the damaged files stay beside it. */
export function restoreJournal({ library, output }: Application): void {
  const report = unwrap(restoreNewestBackup(library.journalPath))
  output.line(`The journal is back as it was on ${new Date(report.backupAtMs).toISOString()}.`)
  if (report.damagedKeptAs) output.line(`The damaged one is kept as ${report.damagedKeptAs}`)
  for (const { path, reason } of report.skipped) output.line(`Not used, does not verify: ${path} (${reason})`)
  if (report.missing === null)
    output.line('What came after the backup is lost; the damaged journal cannot be read any more.')
  else
    for (const { runName, runId, firstSeq, lastSeq } of report.missing)
      output.line(`Missing: events ${firstSeq} to ${lastSeq} of ${runName} (${runId})`)
  output.result(report)
}

// proof RUN
import { earlierProofs, earlierProofsNote } from '#core/proof/index.ts'
import { proofPhaseWords, proveJournaledRun } from '#core/proof/prove-journaled-run.ts'
import type { ProofReport } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { proofLines } from '../report.ts'

/** Measures base and tuned on the run's locked test set, prints the verdict, and keeps everything in the journal. */
export async function proveTunedRun(application: Application, runId: string): Promise<ProofReport> {
  const { library, launcher, output } = application
  const writer = application.writer()
  const reader = application.reader()
  const looks = earlierProofs(reader, unwrap(reader.getRun(runId)).datasetFingerprint)
  for (const line of earlierProofsNote(looks)) output.progress(line.trim(), true)
  const stop = new AbortController()
  const release = application.onInterrupt(() => stop.abort())
  try {
    const report = unwrap(
      await proveJournaledRun(runId, {
        library,
        launcher,
        reader,
        writer,
        signal: stop.signal,
        onProgress: ({ phase, done, total }) =>
          output.progress(`${proofPhaseWords[phase]}${total > 0 ? `: ${done} of ${total}` : '…'}`),
      }),
    )
    application.backUpJournal()
    for (const line of [...proofLines(report), ...earlierProofsNote(looks)]) output.line(line)
    output.line()
    output.line(`Take it away: tunewright export ${runId}`)
    output.result({ ...report, earlierProofs: looks })
    return report
  } finally {
    release()
  }
}

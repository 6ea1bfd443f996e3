// proof RUN
import { datasetFolder } from '#core/data/index.ts'
import { modelFolder } from '#core/models/model-library.ts'
import { createProofJournal, type ProofProgress, proveRun } from '#core/proof/index.ts'
import { requireAdapterUnchanged } from '#core/training/adapter-artifacts.ts'
import type { ProofReport } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { proofLines } from '../report.ts'

const phaseWords: Readonly<Record<ProofProgress['phase'], string>> = {
  opening: 'Opening the locked test set (the journal records it)',
  loading: 'Loading the model',
  scoring: 'Measuring the test rows',
  answering: 'Writing answers',
  running: 'Trying out the programs',
  computing: 'Computing intervals',
  saving: 'Writing the proof into the journal',
}

/** Measures base and tuned on the run's locked test set, prints the verdict, and keeps everything in the journal. */
export async function proveTunedRun(application: Application, runId: string): Promise<ProofReport> {
  const { library, launcher, output } = application
  const writer = application.writer()
  const run = unwrap(application.reader().getRun(runId))
  const adapter = unwrap(await requireAdapterUnchanged(library, application.reader(), runId))
  const { recipe } = run
  const stop = new AbortController()
  const release = application.onInterrupt(() => stop.abort())
  try {
    const report = unwrap(
      await proveRun(
        {
          runId,
          scenario: recipe.scenario,
          instruction: recipe.instruction,
          model: { folder: modelFolder(library, recipe.model.id), weightsSha256: recipe.model.weightsSha256 },
          adapter,
          datasetFolder: datasetFolder(library, recipe.data.fingerprint),
          cacheFolder: library.cacheFolder,
          threads: recipe.threads,
          maxTokens: recipe.batch.maxTokens,
          seed: recipe.seed,
        },
        {
          launcher,
          journal: createProofJournal(writer, recipe.data.fingerprint),
          signal: stop.signal,
          onProgress: ({ phase, done, total }) =>
            output.progress(`${phaseWords[phase]}${total > 0 ? `: ${done} of ${total}` : '…'}`),
        },
      ),
    )
    application.backUpJournal()
    for (const line of proofLines(report)) output.line(line)
    output.line()
    output.line(`Take the adapter away: tunewright export ${runId} --as peft`)
    output.result(report)
    return report
  } finally {
    release()
  }
}

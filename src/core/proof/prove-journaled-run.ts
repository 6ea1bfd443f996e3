// The proof of a run that is in the journal: everything it needs is found there, so screens and terminal prove alike.
import type { JournalReader } from '#journal/reader.ts'
import type { ProofReport } from '#shared/proof-protocol.ts'
import { attemptAsync, type Result, unwrap } from '#shared/result.ts'
import { datasetFolder } from '../data/dataset-folder.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import type { Launcher } from '../system/launcher.ts'
import type { Library } from '../system/library.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import { createProofJournal, type ProofWriter } from './proof-journal.ts'
import { type ProofProgress, proveRun } from './prove-run.ts'

export interface ProvingPorts {
  readonly library: Library
  readonly launcher: Launcher
  readonly reader: Pick<JournalReader, 'getRun' | 'artifacts'>
  readonly writer: ProofWriter
  readonly signal: AbortSignal
  readonly onProgress: (progress: ProofProgress) => void
}

/** Problems: those of `requireTunedUnchanged` and of `proveRun`. */
export function proveJournaledRun(runId: string, ports: ProvingPorts): Promise<Result<ProofReport>> {
  return attemptAsync(async () => {
    const { library, launcher, reader, writer, signal, onProgress } = ports
    const { recipe } = unwrap(reader.getRun(runId))
    const tuned = unwrap(await requireTunedUnchanged(library, reader, runId))
    const { model, method, data, scenario, instruction, threads, seed } = recipe
    return unwrap(
      await proveRun(
        {
          runId,
          scenario,
          method,
          isAsked: unwrap(await showModel(library, model.id)).hasChatTemplate,
          instruction,
          model: { folder: modelFolder(library, model.id), weightsSha256: model.weightsSha256 },
          tuned,
          datasetFolder: datasetFolder(library, data.fingerprint),
          cacheFolder: library.cacheFolder,
          threads,
          maxTokens: recipe.batch.maxTokens,
          seed,
        },
        { launcher, journal: createProofJournal(writer, data.fingerprint), signal, onProgress },
      ),
    )
  })
}

/** What a proof is doing, in words for people. */
export const proofPhaseWords: Readonly<Record<ProofProgress['phase'], string>> = {
  opening: 'Opening the locked test set (the journal records it)',
  loading: 'Loading the model',
  scoring: 'Measuring the test rows',
  answering: 'Writing answers',
  running: 'Trying out the programs',
  computing: 'Computing intervals',
  saving: 'Writing the proof into the journal',
}

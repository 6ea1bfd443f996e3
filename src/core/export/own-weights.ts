// The weights of a model that a run trained itself, byte for byte as the run wrote them.
import { createReadStream } from 'node:fs'
import type { TunedVersion } from '#shared/proof-protocol.ts'
import { ProblemError } from '#shared/result.ts'
import { tunedWeightsPath } from '../training/tuned-version.ts'
import type { ExportContent } from './export-folder.ts'

/** `tuned` is of the kind model. */
export function ownWeights(tuned: TunedVersion): Pick<ExportContent, 'weights' | 'checkWeights'> {
  return {
    weights: { name: 'model.safetensors', chunks: bytesOf(tunedWeightsPath(tuned)) },
    checkWeights: (sha256) => {
      if (sha256 !== tuned.weightsSha256) throw changed(tuned.folder)
    },
  }
}

/** Opened when it is asked for: a stream that fails before anybody listens ends the process. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>
}

const changed = (where: string): ProblemError =>
  new ProblemError({
    code: 'checkpoint.damaged',
    message: 'The model in the library is not the one that the run wrote.',
    where,
    remedy: 'Train the run again: its recipe gives the same model.',
  })

// Writes down what a run made: its files with their hashes, as artifacts of the journal.
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { RunWriter } from './run-journal.ts'
import { lostVersion } from './training-problems.ts'
import { tunedFiles, tunedKindOf } from './tuned-version.ts'

/**
 * Every file of what the run made, with its hash; the weights' hash is the trainer's own, so a swap is noticed. Null when
 * all are in the journal: a version that is not could never be measured or exported.
 */
export function recordTuned(
  journal: Pick<RunWriter, 'addArtifact'>,
  { runId, recipe, runFolder }: Pick<TrainerJob, 'runId' | 'recipe' | 'runFolder'>,
  weightsSha256: string,
): Problem | null {
  const kind = tunedKindOf(recipe.method)
  const { folder, weights, others } = tunedFiles[kind]
  for (const name of [weights, ...others]) {
    const file = join(runFolder, folder, name)
    let found: { bytes: number; sha256: string }
    try {
      const sha256 =
        name === weights ? weightsSha256 : createHash('sha256').update(readFileSync(file)).digest('hex')
      found = { bytes: statSync(file).size, sha256 }
    } catch (error) {
      return lostVersion(runId, file, error)
    }
    const added = journal.addArtifact({ runId, kind, path: `runs/${runId}/${folder}/${name}`, ...found })
    if (!added.ok) return added.problem
  }
  return null
}

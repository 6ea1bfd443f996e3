// Where a run stands when a trainer begins: sweeps what a killed process left, and takes the newest checkpoint that
// verifies, or the values that training starts from.
import { join } from 'node:path'
import { findNewestCheckpoint } from '#core/training/checkpoint-search.ts'
import { prepareCheckpoints } from '#core/training/checkpoints.ts'
import { initialValues } from '#engine/index.ts'
import { initialState, type TrainState } from '#engine/train/state.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
import { openWeights } from '../scorer/model-folder.ts'
import type { PlannedStage, PlannedStages } from './plan-stages.ts'
import { type RunIdentity, softwareNotice } from './run-identity.ts'
import { readState } from './state-files.ts'
import { sweepTuned } from './tuned-files.ts'

/** Throws ProblemError where a checkpoint belongs elsewhere, and disk errors. */
export async function* openState(
  { before, main }: PlannedStages,
  identity: RunIdentity,
): AsyncGenerator<TrainerEvent, TrainState> {
  const { job, setup } = main
  unwrap(await prepareCheckpoints(job.runFolder))
  await sweepTuned(job.runFolder)
  const { newest, rejected } = unwrap(await findNewestCheckpoint(job.runFolder))
  for (const { folder, reason } of rejected)
    yield { kind: 'notice', text: `${join('checkpoints', folder)} is left aside. ${reason}` }
  if (newest === null)
    return initialState(setup.layout, await firstValues(main), job.recipe, before === null ? 2 : 1)
  const { state, savedBy } = await readState(newest, setup.layout, job.recipe, identity)
  const notice = softwareNotice(savedBy, identity)
  if (notice !== null) yield { kind: 'notice', text: notice }
  return state
}

async function firstValues({ job: { modelFolder, recipe }, config, method, head }: PlannedStage) {
  const weights = await openWeights(modelFolder)
  try {
    return await initialValues({ config, method, task: head.task, seed: recipe.seed, read: weights.read })
  } finally {
    await weights.close()
  }
}

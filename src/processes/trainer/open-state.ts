// Where a run stands when a trainer begins: sweeps what a killed process left, and takes the newest checkpoint that
// verifies and of which the journal knows all that came before, or the values that training starts from. What lies further
// on is of a story that this journal does not hold, and goes before the run can come as far.
import { join } from 'node:path'
import type { SavedStep } from '#core/training/checkpoint-format.ts'
import {
  findNewestCheckpoint,
  type SearchLimits,
  type VerifiedCheckpoint,
} from '#core/training/checkpoint-search.ts'
import { prepareCheckpoints, removeAhead } from '#core/training/checkpoints.ts'
import { initialValues } from '#engine/index.ts'
import { initialState, type TrainState } from '#engine/train/state.ts'
import { unwrap } from '#shared/result.ts'
import type { Journaled, TrainerEvent } from '#shared/trainer-protocol.ts'
import { openWeights } from '../scorer/model-folder.ts'
import type { PlannedStage, PlannedStages } from './plan-stages.ts'
import { type RunIdentity, softwareNotice } from './run-identity.ts'
import { evaluatedAtStepOf, readState } from './state-files.ts'
import { sweepTuned } from './tuned-files.ts'

/** Throws ProblemError where a checkpoint belongs elsewhere, and disk errors. */
export async function* openState(
  stages: PlannedStages,
  identity: RunIdentity,
): AsyncGenerator<TrainerEvent, TrainState> {
  const { job } = stages.main
  unwrap(await prepareCheckpoints(job.runFolder))
  await sweepTuned(job.runFolder)
  const { newest, rejected, ahead } = unwrap(
    await findNewestCheckpoint(job.runFolder, limitsOf(job.journaled)),
  )
  for (const { folder, reason } of rejected)
    yield { kind: 'notice', text: `${join('checkpoints', folder)} is left aside. ${reason}` }
  const state = yield* chosenState(stages, identity, newest)
  const [furthest] = ahead
  if (job.journaled && furthest !== undefined) {
    yield { kind: 'notice', text: aheadNotice(job.journaled, ahead.length, furthest, state.step) }
    unwrap(await removeAhead(job.runFolder, ahead))
  }
  return state
}

async function* chosenState(
  { before, main }: PlannedStages,
  identity: RunIdentity,
  newest: VerifiedCheckpoint | null,
): AsyncGenerator<TrainerEvent, TrainState> {
  const { job, setup } = main
  if (newest === null)
    return initialState(setup.layout, await firstValues(main), job.recipe, before === null ? 2 : 1)
  const { state, savedBy } = await readState(newest, setup.layout, job.recipe, identity)
  const notice = softwareNotice(savedBy, identity)
  if (notice !== null) yield { kind: 'notice', text: notice }
  return state
}

/** What the journal does not hold was computed, but nobody could see it in the curve: it is computed again. */
const limitsOf = (journaled: Journaled | undefined): SearchLimits =>
  journaled === undefined
    ? {}
    : {
        lastStep: journaled.step,
        isAhead: (checkpoint) => evaluatedAtStepOf(checkpoint) > journaled.evaluatedAtStep,
      }

function aheadNotice({ step }: Journaled, many: number, furthest: SavedStep, from: number): string {
  const what =
    many === 1
      ? `The safe point (checkpoint) of step ${furthest.step} is removed`
      : `${many} safe points (checkpoints), up to step ${furthest.step}, are removed`
  const again =
    from === 0 ? 'It is computed again from its beginning' : `What came after step ${from} is computed again`
  return `${what}: the journal, which holds this run up to step ${step}, does not hold all that came before. That happens after going back to a backup, and where the program ended before all was written down. ${again}, so that its curve has no hole.`
}

async function firstValues({ job: { modelFolder, recipe }, config, method, head }: PlannedStage) {
  const weights = await openWeights(modelFolder)
  try {
    return await initialValues({ config, method, task: head.task, seed: recipe.seed, read: weights.read })
  } finally {
    await weights.close()
  }
}

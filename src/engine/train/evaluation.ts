// Measuring on validation rows: teacher-forced loss per labelled token, the best adapter kept, patience counted.
import { collate } from './collate.ts'
import { diverged } from './divergence.ts'
import { sumLosses } from './loss-chunks.ts'
import { lastStepOf } from './plan.ts'
import { enterPhase, feedsOf, type Interruptible, obey, type Run } from './run.ts'
import { measuredParameters, type TrainState } from './state.ts'

/** Before the first step of the stage, after those that the plan says, and at the end; never twice at one step. */
export function evaluationDue({ setup, state }: Run): boolean {
  const { evaluateEverySteps, evaluateAtSteps, firstStep } = setup.plan
  if (evaluateEverySteps === 0 || state.evaluatedAtStep === state.step) return false
  const done = state.step - firstStep
  if (done === 0 || state.step >= lastStepOf(setup.plan)) return true
  return evaluateAtSteps === null ? done % evaluateEverySteps === 0 : evaluateAtSteps.includes(done)
}

/** Mean loss over all labelled tokens of the validation rows. Interrupted, it leaves the state as it was. */
export async function* measure(run: Run): Interruptible {
  const { setup, state, ports } = run
  await run.updater.bringBack()
  let lossSum = 0
  let labelledTokens = 0
  let durationMs = 0
  for (const rows of run.validationBatches) {
    const stop = yield* obey(run)
    if (stop) return stop
    yield* enterPhase(run, 'evaluating', `${setup.validationRows.length} validation rows`)
    const startMs = ports.nowMs()
    const encoded = rows.map((row) => setup.validationRows[row]!)
    const batch = collate(encoded, setup.collation)
    const outputs = await ports.score(await feedsOf(ports, encoded, batch, run.measuredFeeds))
    lossSum += sumLosses(outputs, setup.collation.lossChunks)
    labelledTokens += batch.labelledTokens
    durationMs += ports.nowMs() - startMs
  }
  const lossNats = lossSum / labelledTokens
  if (!Number.isFinite(lossNats))
    return diverged(run, 'The loss on validation rows', `the measurement at step ${state.step}`)
  const isBest = keepIfBest(run, lossNats)
  state.evaluatedAtStep = state.step
  yield { kind: 'evaluation', step: state.step, lossNats, labelledTokens, isBest, durationMs }
  return null
}

/** Any lower loss is kept; only one lower by more than the least improvement ends a row of failures. */
function keepIfBest({ setup, state }: Run, lossNats: number): boolean {
  const isBest = state.best === null || lossNats < state.best.lossNats
  if (isBest) state.best = { step: state.step, lossNats, parameters: copyMeasured(state) }
  const { minImprovementNats } = setup.recipe.evaluation
  if (state.patienceLossNats === null || lossNats < state.patienceLossNats - minImprovementNats) {
    state.patienceLossNats = lossNats
    state.evaluationsWithoutImprovement = 0
  } else {
    state.evaluationsWithoutImprovement += 1
  }
  return isBest
}

/** What was measured, in the buffer of the best before it where there was one: a whole model is not held three times. */
function copyMeasured(state: TrainState): Float32Array {
  const measured = measuredParameters(state)
  if (state.best === null) return measured.slice()
  state.best.parameters.set(measured)
  return state.best.parameters
}

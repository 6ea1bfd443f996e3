// One optimizer step: micro-batches summed, one loss and one gradient per labelled token of them all, clipped, applied.
import { updateAverage } from '../optim/averaging.ts'
import { clipFactor } from '../optim/clip.ts'
import { learningRateFactor } from '../optim/schedule.ts'
import { collate } from './collate.ts'
import { diverged } from './divergence.ts'
import { embeddingNoise } from './embedding-noise.ts'
import { sumLosses } from './loss-chunks.ts'
import { microBatchesOfEpoch } from './order.ts'
import { cursorOf, lastStepOf } from './plan.ts'
import { enterPhase, feedsOf, type Interruptible, obey, type Run } from './run.ts'

interface Sums {
  lossNats: number
  labelledTokens: number
  tokens: number
  durationMs: number
}

/**
 * loss = sum of cross-entropy over the labelled tokens of all micro-batches / their number N; gradients are summed,
 * divided by N, clipped by their global norm. Interrupted or diverged, it leaves the state as it was: the micro-batches
 * of an unfinished step are computed again on resume.
 */
export async function* trainStep(run: Run): Interruptible {
  const { setup, state } = run
  const where = `step ${state.step + 1}`
  const cursor = cursorOf(setup.plan, setup.recipe.batch.accumulation, state.step)
  const batches = batchesOf(run, cursor.epoch)
  const sums: Sums = { lossNats: 0, labelledTokens: 0, tokens: 0, durationMs: 0 }
  await run.updater.begin()
  for (let index = cursor.firstBatch; index < cursor.endBatch; index += 1) {
    const stop = yield* obey(run)
    if (stop) return stop
    yield* enterPhase(run, 'training', detailOf(run, where))
    await accumulate(run, batches[index]!, (index - cursor.firstBatch) * setup.recipe.batch.microRows, sums)
    if (!Number.isFinite(sums.lossNats)) return diverged(run, 'The training loss', where)
  }
  const startMs = run.ports.nowMs()
  const gradNorm = (await run.updater.gradientNorm()) / sums.labelledTokens
  if (!Number.isFinite(gradNorm)) return diverged(run, 'The gradient', where)
  const learningRate = await update(run, gradNorm, sums.labelledTokens)
  state.tokensSeen += sums.tokens
  state.step += 1
  yield {
    kind: 'step',
    step: state.step,
    ...(state.stage === 1 && { stage: 1 }),
    epoch: (state.step - setup.plan.firstStep) / setup.plan.stepsPerEpoch,
    lossNats: sums.lossNats / sums.labelledTokens,
    gradNorm,
    learningRate,
    labelledTokens: sums.labelledTokens,
    tokensSeen: state.tokensSeen,
    durationMs: sums.durationMs + run.ports.nowMs() - startMs,
  }
  return null
}

const detailOf = ({ setup, state }: Run, where: string): string =>
  `${where} of ${lastStepOf(setup.plan)}${state.stage === 1 ? ', first stage' : ''}`

function batchesOf(run: Run, epoch: number): readonly (readonly number[])[] {
  if (run.epochBatches.epoch !== epoch) {
    const { batch, seed } = run.setup.recipe
    const purpose = run.state.stage === 1 ? 'first stage order' : 'order'
    run.epochBatches = {
      epoch,
      batches: microBatchesOfEpoch(run.trainLengthsTokens, batch.microRows, seed, epoch, purpose),
    }
  }
  return run.epochBatches.batches
}

/** Computes a micro-batch whole or in parts of the recipe's `rowsAtOnce`; `firstRow` is its place in the step. */
async function accumulate(run: Run, rows: readonly number[], firstRow: number, sums: Sums): Promise<void> {
  const size = run.setup.recipe.batch.rowsAtOnce ?? rows.length
  for (let start = 0; start < rows.length; start += size)
    await accumulatePart(run, rows.slice(start, start + size), firstRow + start, sums)
}

async function accumulatePart(
  run: Run,
  rows: readonly number[],
  firstRow: number,
  sums: Sums,
): Promise<void> {
  const { setup, ports } = run
  const startMs = ports.nowMs()
  const encoded = rows.map((row) => setup.trainRows[row]!)
  const batch = collate(encoded, setup.collation)
  const feeds = await feedsOf(ports, encoded, batch, run.updater.feeds)
  if (setup.noise)
    feeds.set(
      'embedding.noise',
      embeddingNoise(batch, {
        ...setup.noise,
        seed: setup.recipe.seed,
        step: run.state.step,
        firstRow,
      }),
    )
  const outputs = await ports.forwardBackward(feeds)
  run.updater.add(outputs)
  sums.lossNats += sumLosses(outputs, setup.collation.lossChunks)
  sums.labelledTokens += batch.labelledTokens
  sums.tokens += batch.tokens
  sums.durationMs += ports.nowMs() - startMs
}

/** Moves all parameters, and their average where there is one; returns the learning rate that was in force. */
async function update(
  { setup, state, updater }: Run,
  gradNorm: number,
  labelledTokens: number,
): Promise<number> {
  const { optimizer, regularisation } = setup.recipe
  const done = state.step - setup.plan.firstStep
  const updates = done + 1
  const learningRate = optimizer.learningRate * learningRateFactor(setup.plan.schedule, done)
  const gradScale = clipFactor(gradNorm, optimizer.clipNorm) / labelledTokens
  await updater.update({ updates, learningRate, gradScale })
  if (state.average !== null && regularisation.averaging !== null)
    updateAverage(state.average, state.parameters, regularisation.averaging, updates)
  return learningRate
}

// Scores rows with a model and with what a run made of it: loss of the expected answer, likelihood of each label.
import { readModelConfig } from '#core/models/model-json.ts'
import { batchBranches } from '#core/proof/label-layout.ts'
import type { Backend, ModelConfig } from '#engine/index.ts'
import { chooseLossChunks, rowsPerLossChunk } from '#engine/train/loss-chunks.ts'
import type { ScorerEvent, ScorerJob } from '#shared/proof-protocol.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'
import { sumByAnswer } from './branch-batch.ts'
import { FoundScores } from './found-scores.ts'
import { layOutRows, type Share } from './lay-out-rows.ts'
import { mostTokensOf, readTextSide } from './model-folder.ts'
import { openPass, type ScoringPass, scoringPasses } from './scoring-passes.ts'

/** Places of one batch, padding included: keeps activations near 100 MB for a model of 600 wide. */
const placesPerBatch = 2048

/** The whole job of the scorer process. Throws ProblemError; emits `plan`, then `scores` by batches, then `finished`. */
export async function scoreRows(
  job: ScorerJob,
  backend: Backend,
  { emit, signal }: JobContext<ScorerEvent>,
): Promise<void> {
  await emit({ kind: 'phase', phase: 'loading' })
  const config = await readModelConfig(job.modelFolder)
  const text = await readTextSide(job.modelFolder)
  await emit({ kind: 'phase', phase: 'preparing' })
  const maxTokens = mostTokensOf(config, job.maxTokens)
  const { rows, shares, leftOut } = await layOutRows({ ...job, maxTokens }, config, text, signal)
  await emit({ kind: 'plan', rows: rows.length, leftOut, backend: backend.name })
  if (rows.length > 0) {
    const passes = await scoringPasses(job, config)
    const found = new FoundScores(job, rows, shares, passes.length)
    for (const share of shares)
      await scoreShare(share, { job, backend, config, passes, found }, { emit, signal })
  }
  await emit({ kind: 'finished', rows: rows.length })
}

interface Scoring {
  readonly job: ScorerJob
  readonly backend: Backend
  readonly config: ModelConfig
  readonly passes: readonly ScoringPass[]
  readonly found: FoundScores
}

async function scoreShare(
  { form, parts }: Share,
  { job, backend, config, passes, found }: Scoring,
  { emit, signal }: JobContext<ScorerEvent>,
): Promise<void> {
  const layouts = parts.map(({ laidOut }) => laidOut)
  const mostTargets = layouts.reduce((most, { targets }) => Math.max(most, targets.length), 1)
  const lossChunks = chooseLossChunks(mostTargets, config.vocabulary)
  const limits = { places: placesPerBatch, targets: rowsPerLossChunk(config.vocabulary) * lossChunks }
  for (const pass of passes) {
    const session = await openPass(pass, { job, backend, form }, lossChunks)
    try {
      await emit({ kind: 'phase', phase: 'working' })
      for (const indices of batchBranches(layouts, limits)) {
        const batch = indices.map((index) => layouts[index]!)
        const chosen = indices.map((index) => parts[index]!)
        const feeds = form.feeds(batch, lossChunks)
        for (const [side, parameters] of pass.sides) {
          await throwIfCancelled(signal)
          const outputs = await session.run(new Map([...feeds, ...parameters]))
          found.add(side, chosen, sumByAnswer(batch, outputs, lossChunks))
        }
        await emit(found.progress(chosen))
      }
    } finally {
      await session.dispose()
    }
  }
}

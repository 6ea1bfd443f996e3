// Scores rows with a model and with what a run made of it: loss of the expected answer, likelihood of each label.
import { readModelConfig } from '#core/models/model-json.ts'
import { batchBranches } from '#core/proof/label-layout.ts'
import type { Backend, ModelConfig } from '#engine/index.ts'
import { chooseLossChunks, rowsPerLossChunk } from '#engine/train/loss-chunks.ts'
import { twoHalvesOf } from '#engine/train/source-target.ts'
import { ignoredLabel } from '#shared/labels.ts'
import type { ProofSide, RowScore, ScorerEvent, ScorerJob } from '#shared/proof-protocol.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'
import { sumByBranch } from './branch-batch.ts'
import { mostTokensOf, readTextSide, type TextSide } from './model-folder.ts'
import { branchForm, type LaidOutRow, pairForm, type RowForm } from './row-form.ts'
import { openPass, scoringPasses } from './scoring-passes.ts'

/** Places of one batch, padding included: keeps activations near 100 MB for a model of 600 wide. */
const placesPerBatch = 2048

interface ScoredRow<Row extends LaidOutRow> {
  readonly rowId: string
  readonly layout: Row
  /** Branch of the expected answer: its label, or the only branch. */
  readonly expected: number
}

interface LeftOut {
  readonly rowId: string
  readonly reason: string
}

/** The whole job of the scorer process. Throws ProblemError; emits `plan`, then `scores` by batches, then `finished`. */
export async function scoreRows(
  job: ScorerJob,
  backend: Backend,
  { emit, signal }: JobContext<ScorerEvent>,
): Promise<void> {
  await emit({ kind: 'phase', phase: 'loading' })
  const config = await readModelConfig(job.modelFolder)
  const halves = twoHalvesOf(config)
  const scoring = { job, backend, config }
  const rows = await (halves === null
    ? scoreForm(branchForm, scoring, { emit, signal })
    : scoreForm(pairForm(halves), scoring, { emit, signal }))
  await emit({ kind: 'finished', rows })
}

interface Scoring {
  readonly job: ScorerJob
  readonly backend: Backend
  readonly config: ModelConfig
}

/** Returns how many rows were scored. */
async function scoreForm<Row extends LaidOutRow>(
  form: RowForm<Row>,
  scoring: Scoring,
  { emit, signal }: JobContext<ScorerEvent>,
): Promise<number> {
  const { job, backend, config } = scoring
  const text = await readTextSide(job.modelFolder)
  await emit({ kind: 'phase', phase: 'preparing' })
  const mostTokens = mostTokensOf(config, job.maxTokens)
  const { rows, leftOut } = await layOutRows(form, { ...job, maxTokens: mostTokens }, text, signal)
  await emit({ kind: 'plan', rows: rows.length, leftOut, backend: backend.name })
  if (rows.length > 0) await scoreLaidOut(form, rows, scoring, { emit, signal })
  return rows.length
}

async function scoreLaidOut<Row extends LaidOutRow>(
  form: RowForm<Row>,
  rows: readonly ScoredRow<Row>[],
  { job, backend, config }: Scoring,
  { emit, signal }: JobContext<ScorerEvent>,
): Promise<void> {
  const mostTargets = rows.reduce((most, row) => Math.max(most, row.layout.targets.length), 1)
  const lossChunks = chooseLossChunks(mostTargets, config.vocabulary)
  const layouts = rows.map((row) => row.layout)
  const limits = { places: placesPerBatch, targets: rowsPerLossChunk(config.vocabulary) * lossChunks }
  const passes = await scoringPasses(job, config)
  const nats: Readonly<Record<ProofSide, number[][]>> = { base: [], tuned: [] }
  let done = 0
  for (const [number, pass] of passes.entries()) {
    const session = await openPass(
      pass,
      { job, backend, mask: form.mask, isPacked: form.isPacked },
      lossChunks,
    )
    try {
      await emit({ kind: 'phase', phase: 'working' })
      for (const indices of batchBranches(layouts, limits)) {
        const chosen = indices.map((index) => layouts[index]!)
        const batch = form.batch(chosen, lossChunks)
        for (const [side, parameters] of pass.sides) {
          await throwIfCancelled(signal)
          const outputs = await session.run(new Map([...batch.feeds, ...parameters]))
          const sums = sumByBranch(batch, chosen, outputs, lossChunks)
          for (const [at, index] of indices.entries()) nats[side][index] = sums[at]!
        }
        done += indices.length
        const isLast = number === passes.length - 1
        const scores = isLast ? indices.map((index) => scoreOf(rows[index]!, index, nats, job)) : []
        await emit({
          kind: 'scores',
          rows: scores,
          done: Math.floor(done / passes.length),
          total: rows.length,
        })
      }
    } finally {
      await session.dispose()
    }
  }
}

/** A row from what both models gave its branches; of one that was not asked nothing. */
function scoreOf(
  { rowId, layout, expected }: ScoredRow<LaidOutRow>,
  index: number,
  nats: Readonly<Record<ProofSide, readonly number[][]>>,
  { labels }: ScorerJob,
): RowScore {
  const hasLabels = labels !== null
  const sideOf = (sums: readonly number[]) => {
    requireFinite(sums, rowId)
    return { lossNats: sums[expected]!, labelLogProbs: hasLabels ? sums.map((value) => -value) : null }
  }
  const tuned = nats.tuned[index]
  return {
    rowId,
    answerTokens: layout.answerTokens[expected]!,
    labelTokens: hasLabels ? [...layout.answerTokens] : null,
    base: sideOf(nats.base[index]!),
    tuned: tuned ? sideOf(tuned) : null,
  }
}

function requireFinite(nats: readonly number[], rowId: string): void {
  if (nats.every(Number.isFinite)) return
  throw new ProblemError({
    code: 'scorer.failed',
    message: 'The model gave a number that is not a number for this row.',
    where: `test row ${rowId}`,
    remedy: 'The model or its trained version may be damaged: train the run again, or add the model again.',
  })
}

/** Tokenises every row as training does; a row that is too long is left out, never cut. */
async function layOutRows<Row extends LaidOutRow>(
  form: RowForm<Row>,
  job: ScorerJob,
  text: TextSide,
  signal: AbortSignal,
): Promise<{ rows: ScoredRow<Row>[]; leftOut: LeftOut[] }> {
  const rows: ScoredRow<Row>[] = []
  const leftOut: LeftOut[] = []
  for (const row of job.rows) {
    await throwIfCancelled(signal)
    const answers = job.labels ?? [row.answer]
    const expected = answers.indexOf(row.answer)
    if (expected < 0) {
      leftOut.push({
        rowId: row.rowId,
        reason: `its label "${row.answer}" is not among the labels of the data`,
      })
      continue
    }
    const encoded = answers.map((answer) => unwrap(text.encodeExample(row.prompt, answer)))
    const longest = encoded.reduce((most, one) => Math.max(most, one.ids.length), 0)
    if (longest > job.maxTokens)
      leftOut.push({
        rowId: row.rowId,
        reason: `it has ${longest} tokens, more than the ${job.maxTokens} that this run allows`,
      })
    else if (encoded[expected]!.labels.every((label) => label === ignoredLabel))
      leftOut.push({ rowId: row.rowId, reason: 'its answer is empty' })
    else rows.push({ rowId: row.rowId, layout: form.layOut(encoded), expected })
  }
  return { rows, leftOut }
}

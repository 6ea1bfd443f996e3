// Scores rows with a model and with its tuned version in one session: loss of the expected answer, likelihood of each
// label. The base is the same graph with an adapter whose B is zero.
import { type BranchedRow, batchBranches, layOutBranches } from '#core/proof/label-layout.ts'
import {
  type Backend,
  buildScoringGraph,
  type MethodSpec,
  type ModelConfig,
  type Session,
  type Tensor,
} from '#engine/index.ts'
import { chooseLossChunks, rowsPerLossChunk } from '#engine/train/loss-chunks.ts'
import { type LabelledTokens, tokenizeExample } from '#formats/completion-mask.ts'
import { ignoredLabel } from '#shared/labels.ts'
import type { RowScore, ScorerEvent, ScorerJob } from '#shared/proof-protocol.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'
import { makeBranchBatch, sumByBranch } from './branch-batch.ts'
import {
  type Adapter,
  locateWeights,
  readAdapter,
  readModelConfig,
  readTextSide,
  type TextSide,
  zeroAdapter,
} from './model-folder.ts'

/** Places of one batch, padding included: keeps activations near 100 MB for a model of 600 wide. */
const placesPerBatch = 2048

interface ScoredRow {
  readonly rowId: string
  readonly layout: BranchedRow
  /** Branch of the expected answer: its label, or the only branch. */
  readonly expected: number
}

interface LeftOut {
  readonly rowId: string
  readonly reason: string
}

type RunSide = (rows: readonly BranchedRow[]) => Promise<number[][]>

/** The whole job of the scorer process. Throws ProblemError; emits `plan`, then `scores` by batches, then `finished`. */
export async function scoreRows(
  job: ScorerJob,
  backend: Backend,
  { emit, signal }: JobContext<ScorerEvent>,
): Promise<void> {
  await emit({ kind: 'phase', phase: 'loading' })
  const config = await readModelConfig(job.modelFolder)
  const adapter = job.adapterFolder ? await readAdapter(job.adapterFolder, config) : null
  const text = await readTextSide(job.modelFolder)
  await emit({ kind: 'phase', phase: 'preparing' })
  const mostTokens = Math.min(job.maxTokens, config.maxPositions)
  const { rows, leftOut } = await layOutRows({ ...job, maxTokens: mostTokens }, text, signal)
  await emit({ kind: 'plan', rows: rows.length, leftOut, backend: backend.name })
  if (rows.length > 0) await scoreLaidOut(rows, { job, backend, config, adapter }, { emit, signal })
  await emit({ kind: 'finished', rows: rows.length })
}

interface Scoring {
  readonly job: ScorerJob
  readonly backend: Backend
  readonly config: ModelConfig
  readonly adapter: Adapter | null
}

async function scoreLaidOut(
  rows: readonly ScoredRow[],
  scoring: Scoring,
  { emit, signal }: JobContext<ScorerEvent>,
): Promise<void> {
  const { job, config, adapter } = scoring
  const mostTargets = rows.reduce((most, row) => Math.max(most, row.layout.targets.length), 1)
  const lossChunks = chooseLossChunks(mostTargets, config.vocabulary)
  const session = await compileSession(scoring, lossChunks)
  try {
    const side = (parameters: ReadonlyMap<string, Tensor>): RunSide => {
      return async (layouts) => {
        const batch = makeBranchBatch(layouts, lossChunks)
        const outputs = await session.run(new Map([...batch.feeds, ...parameters]))
        return sumByBranch(batch, layouts, outputs, lossChunks)
      }
    }
    const base = side(adapter ? zeroAdapter(adapter) : new Map())
    const tuned = adapter ? side(adapter.tensors) : null
    await emit({ kind: 'phase', phase: 'working' })
    const layouts = rows.map((row) => row.layout)
    const limits = { places: placesPerBatch, targets: rowsPerLossChunk(config.vocabulary) * lossChunks }
    let done = 0
    for (const indices of batchBranches(layouts, limits)) {
      await throwIfCancelled(signal)
      const batch = indices.map((index) => rows[index]!)
      const scores = await scoreBatch(batch, { base, tuned, signal, hasLabels: job.labels !== null })
      done += batch.length
      await emit({ kind: 'scores', rows: scores, done, total: rows.length })
    }
  } finally {
    await session.dispose()
  }
}

async function compileSession(
  { job, backend, config, adapter }: Scoring,
  lossChunks: number,
): Promise<Session> {
  const method: MethodSpec = adapter?.method ?? { kind: 'none' }
  const built = buildScoringGraph(config, method, { lossChunks, mask: 'input' })
  const weights = await locateWeights(job.modelFolder, config, built, job.maxTokens)
  return unwrap(
    await backend.compile(built.graph, { threads: job.threads, weights, workFolder: job.workFolder }),
  )
}

interface Sides {
  readonly base: RunSide
  readonly tuned: RunSide | null
  readonly signal: AbortSignal
  readonly hasLabels: boolean
}

async function scoreBatch(
  rows: readonly ScoredRow[],
  { base, tuned, signal, hasLabels }: Sides,
): Promise<RowScore[]> {
  const layouts = rows.map((row) => row.layout)
  const baseNats = await base(layouts)
  await throwIfCancelled(signal)
  const tunedNats = tuned ? await tuned(layouts) : null
  return rows.map((row, index) => {
    const sideOf = (nats: readonly number[]) => {
      requireFinite(nats, row.rowId)
      return {
        lossNats: nats[row.expected]!,
        labelLogProbs: hasLabels ? nats.map((value) => -value) : null,
      }
    }
    return {
      rowId: row.rowId,
      answerTokens: row.layout.answerTokens[row.expected]!,
      labelTokens: hasLabels ? [...row.layout.answerTokens] : null,
      base: sideOf(baseNats[index]!),
      tuned: tunedNats ? sideOf(tunedNats[index]!) : null,
    }
  })
}

function requireFinite(nats: readonly number[], rowId: string): void {
  if (nats.every(Number.isFinite)) return
  throw new ProblemError({
    code: 'scorer.failed',
    message: 'The model gave a number that is not a number for this row.',
    where: `test row ${rowId}`,
    remedy: 'The adapter or the model may be damaged: train the run again, or add the model again.',
  })
}

/** Tokenises every row as training does; a row that is too long is left out, never cut. */
async function layOutRows(
  job: ScorerJob,
  text: TextSide,
  signal: AbortSignal,
): Promise<{ rows: ScoredRow[]; leftOut: LeftOut[] }> {
  const rows: ScoredRow[] = []
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
    const encoded = answers.map((answer) => encode(text, row.prompt, answer))
    const longest = encoded.reduce((most, one) => Math.max(most, one.ids.length), 0)
    if (longest > job.maxTokens)
      leftOut.push({
        rowId: row.rowId,
        reason: `it has ${longest} tokens, more than the ${job.maxTokens} that this run allows`,
      })
    else if (encoded[expected]!.labels.every((label) => label === ignoredLabel))
      leftOut.push({ rowId: row.rowId, reason: 'its answer is empty' })
    else rows.push({ rowId: row.rowId, layout: layOutBranches(encoded), expected })
  }
  return { rows, leftOut }
}

function encode(text: TextSide, prompt: ScorerJob['rows'][number]['prompt'], answer: string): LabelledTokens {
  return unwrap(tokenizeExample(text.tokenizer, text.template, prompt, answer))
}

// A journal with runs as a person leaves them: curves, proofs over the same locked rows, links, a search with trials.
import { createProofJournal } from '#core/proof/proof-journal.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import type { ProofReport } from '#shared/proof-protocol.ts'
import { type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import { studySpec } from '#shared/study.ts'
import { evaluationEvent, good, stepEvent } from '../../journal/support/sample.ts'

export interface RecordedRun {
  readonly name: string
  readonly settings?: Partial<Pick<Recipe, 'seed' | 'optimizer' | 'method'>> & {
    readonly evaluation?: Partial<Recipe['evaluation']>
  }
  /** How many of the locked rows it answers right; left out, it was not measured. */
  readonly right?: number
  readonly rows?: number
  readonly notes?: string
  readonly adapterSha256?: string
}

/** A finished run of ten steps and one measurement, as its trainer would have told it. */
export async function recordRun(
  writer: JournalWriter,
  newRun: NewRun,
  { name, settings = {}, right, rows = 60, notes = '', adapterSha256 = 'b'.repeat(64) }: RecordedRun,
): Promise<string> {
  const recipe = recipeSchema.parse({ ...(newRun.recipe as Recipe), ...settings })
  const { id } = good(writer.createRun({ ...newRun, name, notes, recipe }))
  good(writer.startAttempt(id))
  const steps = Array.from({ length: 10 }, (_, at) => stepEvent(at + 1, at + 1))
  good(writer.appendEvents(id, 1, [...steps, evaluationEvent(11, 10, 0.5, true)]))
  good(writer.finishRun(id, { reason: 'completed', bestStep: 10, bestLossNats: 0.5, adapterSha256 }))
  if (right !== undefined)
    await recordProof(writer, { runId: id, fingerprint: recipe.data.fingerprint, right, rows })
  return id
}

interface RecordedProof {
  readonly runId: string
  readonly fingerprint: string
  readonly right: number
  readonly rows: number
}

/** As a proof of so many locked rows would have left it. */
export const recordProof = (
  writer: JournalWriter,
  { runId, fingerprint, right, rows }: RecordedProof,
): Promise<void> => createProofJournal(writer, fingerprint).saveProof(runId, reportOf(right, rows))

const share = (value: number) => {
  const { low, high } = around(value)
  return { value, low: Math.max(0, low), high: Math.min(1, high) }
}
const around = (value: number) => ({
  value,
  low: value - 0.1,
  high: value + 0.1,
})

/** The first `right` of the rows are answered right, all others "shipping". */
function reportOf(right: number, rows: number): ProofReport {
  const reached = right / rows
  const both = { base: share(0.4), tuned: share(reached), difference: around(reached - 0.4) }
  const { low, high } = both.difference
  const kind = low > 0 ? 'better' : high < 0 ? 'worse' : 'no-measurable-difference'
  const side = (isRight: boolean) => ({
    text: isRight ? 'money' : 'shipping',
    lossNats: isRight ? 0.2 : 1.8,
    scores: { accuracy: isRight ? 1 : 0 },
    labelLogProbs: null,
    labelLogProbsPerToken: null,
    isCut: false,
    run: null,
  })
  return {
    version: 1,
    rows,
    leftOut: [],
    metric: 'accuracy',
    baseline: { metric: 'accuracy', ...both.base },
    tuned: { metric: 'accuracy', ...both.tuned },
    difference: both.difference,
    verdict: { kind, sentence: `${kind} on ${rows} rows` },
    comparisons: [
      { metric: 'accuracy', isHigherBetter: true, ...both },
      { metric: 'lengthRatio', isHigherBetter: null, ...both },
      { metric: 'lossNats', isHigherBetter: false, ...both },
    ],
    methods: {},
    labels: null,
    kinds: [],
    lengths: [],
    confidence: null,
    answers: Array.from({ length: rows }, (_, row) => ({
      rowId: `row-${row}`,
      prompt: [{ role: 'user', content: `Message ${row}` }],
      expected: 'money',
      answerTokens: 2,
      base: side(row % 2 === 0),
      tuned: side(row < right),
    })),
    intervals: { method: 'bootstrap', resamples: 100, seed: 1, level: 0.95 },
    backend: 'onnx-cpu',
    seconds: 1,
    scoringSeconds: 1,
    answeringSeconds: 0,
  }
}

/** A search of one trial, which came to its end. */
export function recordStudy(writer: JournalWriter, newRun: NewRun): string {
  const spec = studySpec.parse({
    version: 1,
    base: newRun.recipe,
    space: [{ kind: 'whole', path: 'method.rank', low: 4, high: 32 }],
    sampler: 'random',
    budget: { trials: 1 },
    pruning: null,
    seed: 1,
  })
  const { id } = good(
    writer.createStudy({ id: 'study-recorded', projectId: newRun.projectId, name: 'Night search', spec }),
  )
  const trial = {
    studyId: id,
    number: 0,
    purpose: 'search',
    settings: { 'method.rank': 8 },
    seed: 42,
  } as const
  good(writer.addTrial({ ...trial, rungs: [] }, { ...newRun, id: 'run-trial-0', name: 'Trial 1' }))
  good(writer.startAttempt('run-trial-0'))
  good(writer.appendEvents('run-trial-0', 1, [stepEvent(1, 4), evaluationEvent(2, 4, 0.44, true)]))
  good(
    writer.finishRun('run-trial-0', {
      reason: 'completed',
      bestStep: 4,
      bestLossNats: 0.44,
      adapterSha256: 'd'.repeat(64),
    }),
  )
  good(
    writer.endTrial({
      studyId: id,
      number: 0,
      status: 'complete',
      lossNats: 0.44,
      lossStep: 4,
      rungLosses: [],
      reason: null,
      work: null,
    }),
  )
  // At its end: a workstation would go on with one that lives.
  good(writer.changeStudy(id, { status: 'finished' }))
  return id
}

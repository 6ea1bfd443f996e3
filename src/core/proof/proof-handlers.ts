// The proof for the screens: whether there is one, started where there is none, and its answers. A proof of years ago is
// read from the journal alone; prompts only where the data set is still here.
import type { ProofAnswer, ProofView, SomeHandlers } from '#shared/contract/index.ts'
import type { EvaluationAnswer, JournalEvaluation, RunDetail } from '#shared/journal-types.ts'
import { isHigherBetter } from '#shared/metrics.ts'
import type { MetricName } from '#shared/proof-protocol.ts'
import { attempt, attemptAsync, unwrap } from '#shared/result.ts'
import { hasUsableAdapter } from '../training/adapter-artifacts.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { newestProof } from './proof-journal.ts'
import { proofPhaseWords, proveJournaledRun } from './prove-journaled-run.ts'

type ProofCallNames = 'proof.get' | 'proof.start' | 'proof.answers'
type View = 'changed' | 'worst' | 'best' | 'all'

export function createProofHandlers(context: WorkstationContext): SomeHandlers<ProofCallNames> {
  const { library, launcher, reader, writer, jobs, emit } = context

  function view(runId: string): ProofView {
    const run = unwrap(reader.getRun(runId))
    const comparisons = unwrap(reader.comparisons(runId))
    const openings = unwrap(reader.openings(run.datasetFingerprint))
    const dataset = unwrap(reader.datasets()).find(
      ({ fingerprint }) => fingerprint === run.datasetFingerprint,
    )
    return {
      runId,
      runName: run.name,
      projectId: run.projectId,
      projectName: run.projectName,
      scenario: run.scenario,
      summary: newestProof(comparisons),
      provedAtMs: comparisons.at(-1)?.createdAtMs ?? null,
      openings: openings.filter((opening) => opening.runId === runId).length,
      openingsOfData: openings.length,
      cannotProve: cannotProve(run),
      testRows: dataset?.counts.test ?? 0,
    }
  }

  return {
    'proof.get': ({ runId }) => attempt(() => view(runId)),
    'proof.start': ({ runId }) =>
      attemptAsync(async () => {
        const run = unwrap(reader.getRun(runId))
        return jobs.start(
          { kind: 'proof', title: run.name, projectId: run.projectId, runId, key: `proof ${runId}` },
          async ({ signal, tell }) => {
            const proved = await proveJournaledRun(runId, {
              library,
              launcher,
              reader,
              writer,
              signal,
              onProgress: ({ phase, done, total }) => tell(proofPhaseWords[phase], done, total),
            })
            if (proved.ok) {
              writer.backup()
              emit('experiments.changed', { runId })
            }
            return proved
          },
        )
      }),
    'proof.answers': ({ runId, view: wanted, text, offset, limit }) =>
      attempt(() => {
        const summary = newestProof(unwrap(reader.comparisons(runId)))
        if (summary === null) return { answers: [], total: 0 }
        const evaluations = unwrap(reader.evaluations(runId))
        const newest = (subject: JournalEvaluation['subject']) =>
          evaluations.filter((one) => one.subject === subject).at(-1)?.answers ?? []
        const all = pairAnswers(newest('base'), newest('tuned'), summary.metric)
        const found = ordered(all, wanted).filter((answer) => holds(answer, text))
        return { answers: found.slice(offset, offset + limit), total: found.length }
      }),
  }
}

function cannotProve(run: RunDetail): string | null {
  if (hasUsableAdapter(run)) return null
  const { status } = run
  return status === 'running' || status === 'paused'
    ? 'The run is still under way.'
    : 'This run has no finished version that could be measured.'
}

/** Base and tuned answers of the same rows, with what the deciding metric says of each. */
export function pairAnswers(
  base: readonly EvaluationAnswer[],
  tuned: readonly EvaluationAnswer[],
  metric: MetricName,
): ProofAnswer[] {
  const byRow = new Map(base.map((answer) => [answer.rowId, answer]))
  return tuned.flatMap((answer) => {
    const other = byRow.get(answer.rowId)
    if (other === undefined) return []
    const sides = { base: sideOf(other, metric), tuned: sideOf(answer, metric) }
    return [
      {
        rowId: answer.rowId,
        prompt: null,
        expected: answer.expected,
        ...sides,
        gain: gainOf(sides, isHigherBetter(metric) ?? true),
        closest: null,
      },
    ]
  })
}

function sideOf({ answer, scores }: EvaluationAnswer, metric: MetricName): ProofAnswer['base'] {
  const found = scores !== null && typeof scores === 'object' && !Array.isArray(scores) ? scores : {}
  const numberAt = (name: string): number | null => {
    const value = found[name]
    return typeof value === 'number' ? value : null
  }
  return {
    text: answer,
    lossNats: numberAt('lossNats'),
    score: numberAt(metric),
    isCut: found.isCut === true,
  }
}

/** By the row's own score where it has one, else by the loss; positive is better. */
function gainOf(
  { base, tuned }: { readonly base: ProofAnswer['base']; readonly tuned: ProofAnswer['tuned'] },
  isMoreBetter: boolean,
): number {
  if (base.score !== null && tuned.score !== null && base.score !== tuned.score)
    return isMoreBetter ? tuned.score - base.score : base.score - tuned.score
  return ((base.lossNats ?? 0) - (tuned.lossNats ?? 0)) / 1e6
}

function ordered(answers: readonly ProofAnswer[], view: View): ProofAnswer[] {
  const quality = ({ tuned }: ProofAnswer): number => (tuned.score ?? 0) * 1e6 - (tuned.lossNats ?? 0)
  const order = {
    changed: (a: ProofAnswer, b: ProofAnswer) => Math.abs(b.gain) - Math.abs(a.gain),
    worst: (a: ProofAnswer, b: ProofAnswer) => quality(a) - quality(b),
    best: (a: ProofAnswer, b: ProofAnswer) => quality(b) - quality(a),
    all: () => 0,
  }[view]
  return [...answers].sort(order)
}

function holds({ expected, base, tuned }: ProofAnswer, text: string): boolean {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return true
  return [expected, base.text, tuned.text].some((part) => part.toLowerCase().includes(wanted))
}

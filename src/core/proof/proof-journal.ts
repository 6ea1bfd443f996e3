// Keeps a proof in the journal: each opening of the test set before it is read, then both models' answers and the
// comparison in one commit: a proof is there whole or not at all.
import type { JournalWriter } from '#journal/writer.ts'
import type { JournalComparison } from '#shared/journal-types.ts'
import { type ProofReport, type ProofSide, type ProofSummary, proofSummary } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import type { ProofJournal } from './prove-run.ts'

export type ProofWriter = Pick<JournalWriter, 'recordTestSetOpening' | 'addProof'>

export function createProofJournal(writer: ProofWriter, datasetFingerprint: string): ProofJournal {
  return {
    async recordOpening({ runId }) {
      unwrap(writer.recordTestSetOpening({ datasetFingerprint, runId, purpose: 'proof' }))
    },
    async saveProof(runId, report) {
      const { answers: _, ...body } = report
      const evaluation = (subject: ProofSide) => ({
        runId,
        subject,
        datasetFingerprint,
        ...evaluationOf(report, subject),
      })
      const proof = { base: evaluation('base'), tuned: evaluation('tuned'), comparison: { runId, body } }
      unwrap(writer.addProof(proof))
    },
  }
}

function evaluationOf(report: ProofReport, side: ProofSide) {
  return {
    metrics: Object.fromEntries(report.comparisons.map((one) => [one.metric, one[side]])),
    answers: report.answers.map((row) => {
      const { text, scores, ...details } = row[side]
      return {
        rowId: row.rowId,
        expected: row.expected,
        answer: text ?? '',
        scores: { ...scores, ...details, answerTokens: row.answerTokens },
      }
    }),
  }
}

/** As `newestProof`; null also for one that this version cannot read, so that it keeps no list of runs from being shown. */
export function readableProof(comparisons: readonly JournalComparison[]): ProofSummary | null {
  const parsed = proofSummary.safeParse(comparisons.at(-1)?.body)
  return parsed.success ? parsed.data : null
}

/** The newest of a run's proofs, as the journal lists them; null where it was not measured yet. */
export function newestProof(comparisons: readonly JournalComparison[]): ProofSummary | null {
  const newest = comparisons.at(-1)
  return newest === undefined ? null : proofSummary.parse(newest.body)
}

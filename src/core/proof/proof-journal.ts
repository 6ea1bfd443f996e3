// Keeps a proof in the journal: each opening of the test set, both models' answers, and last of all the comparison. A
// reader takes the comparison as the sign that a proof is whole.
import type { JournalWriter } from '#journal/writer.ts'
import type { ProofReport, ProofSide } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import type { ProofJournal } from './prove-run.ts'

export type ProofWriter = Pick<JournalWriter, 'recordTestSetOpening' | 'addEvaluation' | 'addComparison'>

export function createProofJournal(writer: ProofWriter, datasetFingerprint: string): ProofJournal {
  return {
    async recordOpening({ runId }) {
      unwrap(writer.recordTestSetOpening({ datasetFingerprint, runId, purpose: 'proof' }))
    },
    async saveProof(runId, report) {
      for (const subject of ['base', 'tuned'] as const)
        unwrap(writer.addEvaluation({ runId, subject, datasetFingerprint, ...evaluationOf(report, subject) }))
      const { answers: _, ...body } = report
      unwrap(writer.addComparison({ runId, body }))
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

// What other rooms may use of the proof: the proof itself, and the port through which it is kept.
export { runChildJob } from './child-job.ts'
export { earlierProofs, earlierProofsNote } from './earlier-proofs.ts'
export {
  type Evaluation,
  type EvaluationSpec,
  evaluateAnswers,
  type MetricResult,
} from './evaluate-answers.ts'
export { measureAnswers, plainWay } from './measure-answers.ts'
export { type ScoreSpec, scoreRows } from './measure-scores.ts'
export type {
  AskedRow,
  MeasuredAnswers,
  MeasurePorts,
  MeasureProgress,
  MeasureSpec,
  Subject,
  SubjectAnswer,
  WayOfAsking,
} from './measured-answers.ts'
export { createProofJournal, newestProof } from './proof-journal.ts'
export {
  type ProofJournal,
  type ProofPorts,
  type ProofProgress,
  type ProofSpec,
  proveRun,
} from './prove-run.ts'

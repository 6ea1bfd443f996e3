// What other rooms may use of the proof: the proof itself, and the port through which it is kept.
export { type ChildJob, cancelledProblem, runChildJob } from './child-job.ts'
export { createProofJournal, type ProofWriter } from './proof-journal.ts'
export {
  type ProofJournal,
  type ProofPorts,
  type ProofProgress,
  type ProofSpec,
  proveRun,
} from './prove-run.ts'

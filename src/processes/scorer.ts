// Entry point of the scorer process: teacher-forced loss and label likelihood of a base and a tuned model.
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { type ScorerEvent, type ScorerJob, scorerCommand } from '#shared/proof-protocol.ts'
import { scoreRows } from './scorer/score-rows.ts'
import { serveJob } from './serve-job.ts'

serveJob<ScorerJob, ScorerEvent>(scorerCommand, 'scorer.failed', (job, context) =>
  scoreRows(job, createOnnxBackend(), context),
)

// Entry point of the scorer process: teacher-forced loss and label likelihood of a base and a tuned model, and what a new
// last layer names.
import { z } from 'zod'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { childCommand } from '#shared/child-protocol.ts'
import { type ClassEvent, type ClassJob, classJob } from '#shared/class-protocol.ts'
import { type ScorerEvent, type ScorerJob, scorerJob } from '#shared/proof-protocol.ts'
import { predictClasses } from './scorer/predict-classes.ts'
import { scoreRows } from './scorer/score-rows.ts'
import { serveNaming } from './scorer/serve-naming.ts'
import { serveJob } from './serve-job.ts'

const command = childCommand(z.union([scorerJob, classJob]))

serveJob<ScorerJob | ClassJob, ScorerEvent | ClassEvent>(
  command,
  'scorer.failed',
  (job, context) =>
    'classNames' in job
      ? predictClasses(job, createOnnxBackend(), context)
      : scoreRows(job, createOnnxBackend(), context),
  serveNaming(),
)

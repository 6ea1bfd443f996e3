// Entry point of the embedder process: a vector for each text, by the states of a model.
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { type EmbedderEvent, type EmbedderJob, embedderCommand } from '#shared/embedding-protocol.ts'
import { embedTexts } from './embedder/embed-texts.ts'
import { serveJob } from './serve-job.ts'

serveJob<EmbedderJob, EmbedderEvent>(embedderCommand, 'embedder.failed', (job, context) =>
  embedTexts(job, createOnnxBackend(), context),
)

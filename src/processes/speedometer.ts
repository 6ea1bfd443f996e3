// Entry point of the speedometer process: times plain matrix products of the size that training works with.
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { type SpeedEvent, type SpeedJob, speedCommand } from '#shared/speed-protocol.ts'
import { serveJob } from './serve-job.ts'
import { measureProducts } from './speedometer/measure-products.ts'

serveJob<SpeedJob, SpeedEvent>(speedCommand, 'backend.failed', (job, context) =>
  measureProducts(job, createOnnxBackend(), context),
)

// Every implementation of the Backend port that the conformance suite runs on. A new backend joins here.
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { Backend } from '#engine/backend-port.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'

export const backends: readonly Backend[] = [
  createReferenceBackend({ precision: 'float32' }),
  createOnnxBackend(),
]

/** What all are measured by. */
export const truth: Backend = createReferenceBackend({ precision: 'float64' })

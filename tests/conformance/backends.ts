// Every implementation of the Backend port that the conformance suite runs on. A new backend joins here.
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { Backend } from '#engine/backend-port.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { findTensorflow } from '../support/tensorflow.ts'

/** Those that read weights where they lie. */
export const fileBackends: readonly Backend[] = [createOnnxBackend(), ...findTensorflow('float32')]

export const backends: readonly Backend[] = [
  createReferenceBackend({ precision: 'float32' }),
  ...fileBackends,
]

/**
 * Whose products with frozen weights have 8 bits of mantissa. A tiny model's gradients, differences of nearly equal
 * numbers, are up to 12 % off on a processor without such products; these backends differ from the others in nothing else.
 */
export const roundingBackends: readonly Backend[] = findTensorflow('bfloat16')

/** Those that can train where they compute. */
export const residentBackends: readonly Backend[] = [
  createReferenceBackend({ precision: 'float32' }),
  ...findTensorflow('float32', 'resident'),
]

/** What all are measured by. */
export const truth: Backend = createReferenceBackend({ precision: 'float64' })

// Every implementation of the Backend port that the conformance suite runs on. A new backend joins here.
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { hasBfloat16Products } from '#core/system/machine.ts'
import type { Backend } from '#engine/backend-port.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { findTensorflow } from '../support/tensorflow.ts'
import { tfjsCpu } from './tfjs-cpu/backend.ts'

/** Those that read weights where they lie. */
export const fileBackends: readonly Backend[] = [createOnnxBackend(), ...findTensorflow('float32')]

export const backends: readonly Backend[] = [
  createReferenceBackend({ precision: 'float32' }),
  tfjsCpu,
  ...fileBackends,
]

/**
 * Whose products with frozen weights have 8 bits of mantissa. A tiny model's gradients, differences of nearly equal
 * numbers, are up to 60 % off where a processor without such products rounds in other places; these backends differ from the others in nothing else.
 */
export const roundingBackends: readonly Backend[] = hasBfloat16Products() ? findTensorflow('bfloat16') : []
if (!hasBfloat16Products())
  console.info('Skipped: models in bfloat16, for this processor has no products in it (AVX512_BF16, AMX).')

/** Those that can train where they compute. */
export const residentBackends: readonly Backend[] = [
  createReferenceBackend({ precision: 'float32' }),
  ...findTensorflow('float32', 'resident'),
]

/** What all are measured by. */
export const truth: Backend = createReferenceBackend({ precision: 'float64' })

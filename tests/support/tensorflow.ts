// TensorFlow for tests, where it was fetched (scripts/fetch-tensorflow.ts).
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Residence } from '#backends/tensorflow/emitter.ts'
import { createTensorflowBackend } from '#backends/tensorflow/session.ts'
import { findKernels } from '#core/engines/tensorflow-kernels.ts'
import type { Backend } from '#engine/backend-port.ts'
import { tensorflowFolder } from '../../scripts/tensorflow-folder.ts'

/**
 * The TensorFlow backend on the processor, or none with a notice, unless TUNEWRIGHT_REQUIRE names it. Resident: weights and
 * what is trained in variables, as on a card. `kernels`: file of our own operators, null for none.
 */
export function findTensorflow(
  products: 'float32' | 'bfloat16',
  residence: Residence = 'mapped',
  kernels = findKernels(),
): readonly Backend[] {
  if (existsSync(join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node')))
    return [createTensorflowBackend({ folder: tensorflowFolder, products, residence, kernels })]
  const notice = `Skipped: TensorFlow is not in ${tensorflowFolder}. It is fetched by: npx node scripts/fetch-tensorflow.ts`
  if (process.env.TUNEWRIGHT_REQUIRE?.includes('tensorflow')) throw new Error(notice)
  console.info(notice)
  return []
}

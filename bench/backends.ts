// The backends that a benchmark can run on, by name.
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { createTensorflowBackend } from '#backends/tensorflow/session.ts'
import { findKernels } from '#core/engines/tensorflow-kernels.ts'
import type { Backend } from '#engine/backend-port.ts'
import { tensorflowFolder } from '../scripts/tensorflow-folder.ts'

const tensorflow = (products?: 'float32' | 'bfloat16'): Backend =>
  createTensorflowBackend({ folder: tensorflowFolder, kernels: findKernels(), ...(products && { products }) })

const creators = {
  onnx: createOnnxBackend,
  tensorflow: () => tensorflow(),
  'tensorflow-float32': () => tensorflow('float32'),
  'tensorflow-bfloat16': () => tensorflow('bfloat16'),
  /** Without our own operators. */
  'tensorflow-plain': () => createTensorflowBackend({ folder: tensorflowFolder }),
} satisfies Record<string, () => Backend>

export type BackendName = keyof typeof creators

export const backendNames = Object.keys(creators) as readonly BackendName[]

export const createBackend = (name: BackendName): Backend => creators[name]()

// The backends that a benchmark can run on, by name.
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { createTensorflowBackend } from '#backends/tensorflow/session.ts'
import type { Backend } from '#engine/backend-port.ts'
import { tensorflowFolder } from '../scripts/tensorflow-folder.ts'

const creators = {
  onnx: createOnnxBackend,
  tensorflow: () => createTensorflowBackend({ folder: tensorflowFolder }),
  'tensorflow-float32': () => createTensorflowBackend({ folder: tensorflowFolder, products: 'float32' }),
  'tensorflow-bfloat16': () => createTensorflowBackend({ folder: tensorflowFolder, products: 'bfloat16' }),
} satisfies Record<string, () => Backend>

export type BackendName = keyof typeof creators

export const backendNames = Object.keys(creators) as readonly BackendName[]

export const createBackend = (name: BackendName): Backend => creators[name]()

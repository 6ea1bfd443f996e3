// The TensorFlow backend's public face.
export { type Hardware, tensorflowEnvironment } from './environment.ts'
export { createTensorflowBackend } from './session.ts'

// The TensorFlow backend's public face.
export { createTensorflowBackend } from './session.ts'

// The ONNX backend's public face.
export { createOnnxBackend } from './session.ts'

// Imported before onnxruntime-node, whose builds for Linux and macOS otherwise keep a device id in the home folder and
// send usage data to their maker (docs/decisions/0006): says no for this process, or refuses to go on.
import { isMainThread } from 'node:worker_threads'

const refusal = 'ORT_DISABLE_TELEMETRY'

if (process.env[refusal] !== '1') {
  // A thread has a copy of the environment: what it sets does not reach the runtime.
  if (!isMainThread)
    throw new Error(`${refusal} must be set before a thread is started that loads ONNX Runtime`)
  process.env[refusal] = '1'
}

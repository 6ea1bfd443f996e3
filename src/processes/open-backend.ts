// From the name of a device to the backend that computes on it. Only the runtime that is asked for is loaded.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { kernelsFor } from '#core/engines/tensorflow-kernels.ts'
import type { Backend } from '#engine/backend-port.ts'
import { deviceName } from '#shared/device-names.ts'
import { type DeviceId, deviceFacts, type EngineId } from '#shared/devices.ts'
import { ProblemError } from '#shared/result.ts'

/** Where fetched runtimes lie, a folder for each; undefined: there are none. */
export interface BackendPlaces {
  readonly enginesFolder?: string | undefined
  /** File of our own operators for TensorFlow to be tried; undefined: the one that was tried, if it computed right. */
  readonly kernels?: string | undefined
  /** Of several graphics cards, by its number from 0. */
  readonly card?: number | undefined
}

/** Throws ProblemError: engine.missing, and what the runtime says where it cannot be loaded. */
export async function openBackend(device: DeviceId, places: BackendPlaces): Promise<Backend> {
  const { runtime, products, hardware, engine } = deviceFacts[device]
  if (runtime === 'tensorflow') {
    const { createTensorflowBackend } = await import('#backends/tensorflow/index.ts')
    const folder = folderOf(device, engine, places)
    return createTensorflowBackend({
      folder,
      products: products === 'bfloat16' ? 'bfloat16' : 'float32',
      hardware,
      kernels: places.kernels ?? kernelsFor(folder),
    })
  }
  const { createOnnxBackend } = await import('#backends/onnx/index.ts')
  return createOnnxBackend({
    provider: providers[device as OnnxDevice],
    ...(engine !== null && { libraryFolder: folderOf(device, engine, places) }),
    // Of a CUDA process's environment one card is left (backend-environment.ts), which is its first.
    ...(device === 'onnx-directml' && places.card !== undefined && { card: places.card }),
  })
}

type OnnxDevice = Exclude<DeviceId, `tensorflow-${string}`>

const providers = {
  cpu: 'cpu',
  'onnx-cuda': 'cuda',
  'onnx-directml': 'directml',
  'onnx-coreml': 'coreml',
  'onnx-webgpu': 'webgpu',
} as const satisfies Record<OnnxDevice, string>

function folderOf(device: DeviceId, engine: EngineId | null, { enginesFolder }: BackendPlaces): string {
  if (engine === null || enginesFolder === undefined) throw new ProblemError(notHere(device))
  const folder = join(enginesFolder, engine)
  if (!existsSync(folder)) throw new ProblemError(notHere(device))
  return folder
}

const notHere = (device: DeviceId) => {
  const { engine } = deviceFacts[device]
  return {
    code: 'engine.missing',
    message: `What computes on ${deviceName(device)} is not on this computer.`,
    where: device,
    remedy:
      engine === null
        ? 'Train on the processor: --device cpu.'
        : `Fetch it, under “Settings” or with: tunewright engines add ${engine}`,
  } as const
}

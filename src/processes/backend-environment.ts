// What must stand in a process's environment before the thread starts that computes: a thread has a copy of it, which no
// runtime sees. Loads no runtime.
import { tensorflowEnvironment } from '#backends/tensorflow/environment.ts'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import { quietRuntime } from '#shared/quiet-runtime.ts'

export const backendEnvironment = (device: DeviceId, threads: number): Readonly<Record<string, string>> => ({
  [quietRuntime.name]: quietRuntime.value,
  ...(deviceFacts[device].runtime === 'tensorflow' &&
    tensorflowEnvironment(threads, deviceFacts[device].hardware)),
})

/** To be called on the main thread. */
export function prepareEnvironment(device: DeviceId, threads: number): void {
  Object.assign(process.env, backendEnvironment(device, threads))
}

// What must stand in a process's environment before the thread starts that computes: a thread has a copy of it, which no
// runtime sees. Loads no runtime.
import { tensorflowEnvironment } from '#backends/tensorflow/environment.ts'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import { quietRuntime } from '#shared/quiet-runtime.ts'

export const backendEnvironment = (
  device: DeviceId,
  threads: number,
  card?: number,
): Readonly<Record<string, string>> => ({
  ...(card !== undefined && device.includes('cuda') && onlyCard(card)),
  [quietRuntime.name]: quietRuntime.value,
  ...(deviceFacts[device].runtime === 'tensorflow' &&
    tensorflowEnvironment(threads, deviceFacts[device].hardware)),
})

/** The process sees one card only, by its number on the bus, which is that of nvidia-smi (CUDA C++ programming guide). */
const onlyCard = (card: number) => ({ CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: String(card) })

/**
 * To be called on the main thread. `card`: one of several graphics cards, by its number from 0; where a person has chosen
 * cards already, that holds.
 */
export function prepareEnvironment(device: DeviceId, threads: number, card?: number): void {
  const isChosen = process.env.CUDA_VISIBLE_DEVICES !== undefined
  Object.assign(process.env, backendEnvironment(device, threads, isChosen ? undefined : card))
}

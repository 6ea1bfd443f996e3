// The self-test of a device: a training step of a tiny model, computed there, against the step by definition.
import type { DeviceId } from '#shared/devices.ts'
import { fail, ok, type Result } from '#shared/result.ts'
import { askSpeedometer, type DevicePorts, wrongNumbers } from './ask-speedometer.ts'
import { checkBoundOf } from './device-bounds.ts'

export interface CheckedDevice {
  /** Name and version of the backend. */
  readonly backend: string
  /** How far loss and gradients lie from right ones, relative. */
  readonly difference: number
}

/**
 * `kernels`: a file of our own operators for TensorFlow to be tried; left out: the one that was tried, if it computed right.
 * Problems: device.wrong, engine.missing, backend.failed (it died, hung, or could not be loaded), proof.cancelled.
 */
export async function checkDevice(
  device: DeviceId,
  ports: DevicePorts,
  signal?: AbortSignal,
  kernels?: string,
): Promise<Result<CheckedDevice>> {
  let difference: number | null = null
  let backend = ''
  const asked = await askSpeedometer(ports, {
    device,
    task: { kind: 'check' },
    kernels,
    remedy: 'Train on another device; it does not work on this computer as it is.',
    signal,
    onEvent: (event) => {
      if (event.kind === 'checked') difference = event.difference
      if (event.kind === 'finished') backend = event.backend
    },
  })
  if (!asked.ok) return asked
  const bound = checkBoundOf(device)
  if (difference === null || difference > bound) return fail(wrongNumbers(device, difference, bound))
  return ok({ backend, difference })
}

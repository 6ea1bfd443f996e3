// Tries our own operators for TensorFlow out, in a process of its own: where it dies, hangs or computes wrong numbers they
// are not used, and TensorFlow computes without them. What came of it is kept in the engine's folder, for this file and
// this processor.
import type { DeviceId } from '#shared/devices.ts'
import { ProblemError, type Result } from '#shared/result.ts'
import type { DevicePorts } from '../devices/ask-speedometer.ts'
import { type CheckedDevice, checkDevice } from '../devices/check-device.ts'
import { hasBfloat16Products } from '../system/machine.ts'
import { findEngine } from './engine-library.ts'
import { keepKernelsTrial, kernelsStateOf, ownKernels } from './tensorflow-kernels.ts'

const devices = (): readonly DeviceId[] => [
  'tensorflow-cpu',
  ...(hasBfloat16Products() ? (['tensorflow-cpu-bf16'] as const) : []),
]

export interface Trial {
  /** Those that failed once are tried again. */
  readonly isAgain?: boolean
  /** Another one only in tests. */
  readonly file?: string
}

/** Nothing is done where they were tried already, or the engine is not here. Throws ProblemError: proof.cancelled, those of a full disk. */
export async function tryKernels(
  ports: DevicePorts,
  signal: AbortSignal,
  { isAgain = false, file = ownKernels }: Trial = {},
): Promise<void> {
  const found = await findEngine(ports.library, 'tensorflow')
  if (!found.ok) return
  const state = kernelsStateOf(found.value, file)
  if (state.kind !== 'untried' && !(isAgain && state.kind === 'refused')) return
  for (const device of devices()) {
    const checked = notStopped(await checkDevice(device, ports, signal, file))
    if (checked.ok) continue
    // What fails without them too is no fault of theirs, and they stay untried.
    const without = notStopped(await checkDevice(device, ports, signal))
    if (without.ok) await keepKernelsTrial(found.value, state.kernels, checked.problem.message)
    return
  }
  await keepKernelsTrial(found.value, state.kernels, null)
}

function notStopped(checked: Result<CheckedDevice>): Result<CheckedDevice> {
  if (!checked.ok && checked.problem.code === 'proof.cancelled') throw new ProblemError(checked.problem)
  return checked
}

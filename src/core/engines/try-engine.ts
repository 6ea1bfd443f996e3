// The self-test of an engine that is about to be added: a real process loads it and computes a tiny model's step. Without
// a card of NVIDIA an engine for one cannot be tried on it; then what can be tried is, and the rest is left to the
// measurement.
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeviceId, EngineId } from '#shared/devices.ts'
import { ok, type Problem, type Result } from '#shared/result.ts'
import type { DevicePorts } from '../devices/ask-speedometer.ts'
import { checkDevice } from '../devices/check-device.ts'
import { missingOf } from '../devices/missing-devices.ts'
import { lookAround } from '../devices/surroundings.ts'
import { enginePack } from './engine-packs.ts'

const ownDevice: Readonly<Record<EngineId, DeviceId>> = {
  tensorflow: 'tensorflow-cpu',
  'tensorflow-cuda': 'tensorflow-cuda',
  'onnx-cuda': 'onnx-cuda',
}

/** `enginesFolder` has the engine under its own name. Problems: engine.damaged, with why in it; proof.cancelled. */
export async function tryEngine(
  id: EngineId,
  enginesFolder: string,
  ports: DevicePorts,
  signal: AbortSignal,
): Promise<Result<void>> {
  const library = { ...ports.library, enginesFolder }
  const device = await triedOn(id, library)
  if (device === null) return ok(undefined)
  const checked = await checkDevice(device, { ...ports, library }, signal)
  if (checked.ok) return ok(undefined)
  if (checked.problem.code === 'proof.cancelled') return checked
  return { ok: false, problem: untrue(id, checked.problem) }
}

/** null where nothing of it can be tried here. */
async function triedOn(id: EngineId, library: DevicePorts['library']): Promise<DeviceId | null> {
  const device = ownDevice[id]
  if (missingOf(device, await lookAround(library)) === null) return device
  if (id !== 'tensorflow-cuda') return id === 'tensorflow' ? device : null
  // Its libraries compute on the processor too: that they load and count right is shown by that.
  await symlink(join(library.enginesFolder, id), join(library.enginesFolder, 'tensorflow'))
  return 'tensorflow-cpu'
}

const untrue = (id: EngineId, why: Problem): Problem => ({
  code: 'engine.damaged',
  message: `${enginePack(id).name} was fetched, but does not work on this computer, so it was not kept. ${why.message}`,
  where: `engines/${id}`,
  remedy: `Runs are computed with what comes with the program. ${why.remedy}`,
  ...(why.details === undefined ? {} : { details: why.details }),
})

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

/**
 * `enginesFolder` has the engine under its own name. Returns a sentence where it was not tried on what it is for, else null.
 * Problems: engine.damaged, with why in it; proof.cancelled.
 */
export async function tryEngine(
  id: EngineId,
  enginesFolder: string,
  ports: DevicePorts,
  signal: AbortSignal,
): Promise<Result<string | null>> {
  const library = { ...ports.library, enginesFolder }
  const { device, untried } = await triedOn(id, library)
  if (device === null) return ok(untried)
  const checked = await checkDevice(device, { ...ports, library }, signal)
  if (checked.ok) return ok(untried)
  if (checked.problem.code === 'proof.cancelled') return checked
  return { ok: false, problem: untrue(id, checked.problem) }
}

interface TriedOn {
  /** null where nothing of it can be tried here. */
  readonly device: DeviceId | null
  /** What was not tried, and why. */
  readonly untried: string | null
}

async function triedOn(id: EngineId, library: DevicePorts['library']): Promise<TriedOn> {
  const device = ownDevice[id]
  const around = await lookAround(library)
  if (id === 'tensorflow' || missingOf(device, around) === null) return { device, untried: null }
  const why = around.cards.some(({ vendor }) => vendor === 'nvidia')
    ? 'the NVIDIA card of this computer cannot be used with it now'
    : 'no NVIDIA card was found'
  if (id === 'onnx-cuda') return { device: null, untried: `It could not be tried out here: ${why}.` }
  // Its libraries compute on the processor too: that they load and count right is shown by that.
  await symlink(join(library.enginesFolder, id), join(library.enginesFolder, 'tensorflow'))
  return { device: 'tensorflow-cpu', untried: `It was tried out on the processor only: ${why}.` }
}

const untrue = (id: EngineId, why: Problem): Problem => ({
  code: 'engine.damaged',
  message: `${enginePack(id).name} was fetched, but does not work on this computer, so it was not kept. ${why.message}`,
  where: `engines/${id}`,
  remedy: `Runs are computed with what comes with the program. ${why.remedy}`,
  ...(why.details === undefined ? {} : { details: why.details }),
})

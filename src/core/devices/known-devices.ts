// The devices of this computer with what was measured of them, from library, settings and system; and what a run takes.
import type { DeviceId } from '#shared/devices.ts'
import type { Result } from '#shared/result.ts'
import type { Library } from '../system/library.ts'
import { readSettings } from '../system/settings-store.ts'
import { chooseDevice, type DeviceChoice, type KnownDevice } from './choose-device.ts'
import { readMeasurements } from './device-figures.ts'
import { devicesOf, missingOf } from './missing-devices.ts'
import { lookAround, placeOf, type Surroundings } from './surroundings.ts'

/** Those of this kind of system, in the order of their list. */
export function devicesAround(library: Library, around: Surroundings): readonly KnownDevice[] {
  const measurements = readMeasurements(library)
  return devicesOf(around.system).map((id) => ({
    id,
    missing: missingOf(id, around),
    measured: measurements.filter(({ device, place }) => device === id && place === placeOf(id, around)),
  }))
}

/**
 * What a run with this model takes that asks for `asked`, or for nothing (null); `askedBecause` where no person asked for it.
 * Problems: device.missing, of the one that is asked for.
 */
export async function resolveDevice(
  library: Library,
  asked: DeviceId | null,
  modelId: string | null,
  askedBecause?: string,
): Promise<Result<DeviceChoice>> {
  const { device: pinned } = readSettings(library)
  const wishes = { asked, pinned, modelId, ...(askedBecause !== undefined && { askedBecause }) }
  return chooseDevice(devicesAround(library, await lookAround(library)), wishes)
}

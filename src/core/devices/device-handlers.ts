// What can compute here, how fast it was measured to be, and the measurement, for the screens.
import type { DevicesView, SomeHandlers } from '#shared/contract/index.ts'
import { attempt, attemptAsync, ok, unwrap } from '#shared/result.ts'
import type { Library } from '../system/library.ts'
import { readSettings } from '../system/settings-store.ts'
import { withTypedCommands } from '../system/typed-command.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { chooseDevice, stateOf } from './choose-device.ts'
import { devicesAround } from './known-devices.ts'
import { measureDevices } from './measure-devices.ts'
import { hasComputedSince, requireQuiet } from './require-quiet.ts'
import { lookAround } from './surroundings.ts'

/** Figures of this model where there are some, else of another. */
export async function viewDevices(library: Library, modelId: string | null): Promise<DevicesView> {
  const around = await lookAround(library)
  const devices = devicesAround(library, around)
  const { device: pinned } = readSettings(library)
  const { device, reason } = unwrap(chooseDevice(devices, { asked: null, pinned, modelId }))
  return withTypedCommands({
    devices: devices.map((one) => stateOf(one, modelId)),
    graphicsCards: [...around.cards],
    chosen: device,
    reason,
    pinned,
  })
}

export function createDeviceHandlers({
  library,
  launcher,
  jobs,
  reader,
}: WorkstationContext): SomeHandlers<'devices.view' | 'devices.measure'> {
  return {
    'devices.view': ({ modelId }) => attemptAsync(() => viewDevices(library, modelId)),
    'devices.measure': ({ modelId }) => {
      const quiet = attempt(() => requireQuiet({ reader }))
      if (!quiet.ok) return quiet
      const about = { kind: 'speed', title: 'Speed of this computer', key: 'speed' } as const
      return ok(
        jobs.start({ ...about, ...(modelId !== null && { modelId }) }, (tools) =>
          measureDevices(
            { library, launcher },
            { modelId, wasDisturbed: (sinceMs) => hasComputedSince({ reader }, sinceMs) },
            tools,
          ),
        ),
      )
    },
  }
}

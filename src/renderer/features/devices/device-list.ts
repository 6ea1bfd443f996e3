// The devices of a computer as the screen lists them: those to choose from, those that something is missing for, by what
// that is, and those of other systems. Pure.
import type { DeviceState, DevicesView } from '#shared/contract/devices.ts'
import { type DeviceId, deviceFacts, deviceIds, type EngineId } from '#shared/devices.ts'
import type { Problem } from '#shared/result.ts'

/** Devices with one remedy. */
export interface MissingGroup {
  readonly devices: readonly DeviceId[]
  /** What has to be fetched; null where something else is missing. */
  readonly engine: EngineId | null
  /** Of the first of them. */
  readonly problem: Problem
}

export interface AwayDevice {
  readonly id: DeviceId
  readonly engine: EngineId | null
}

export interface DeviceList {
  /** With the pinned and the chosen one, whatever is missing for them. */
  readonly usable: readonly DeviceState[]
  readonly missing: readonly MissingGroup[]
  /** Of graphics, where no card is to be seen; with what the system says of that. */
  readonly cardless: MissingGroup | null
  readonly elsewhere: readonly DeviceId[]
}

type Seen = Pick<DevicesView, 'devices' | 'graphicsCards' | 'chosen' | 'pinned'>

export function listDevices({ devices, graphicsCards, chosen, pinned }: Seen): DeviceList {
  const isListed = ({ id, isAvailable }: DeviceState): boolean =>
    isAvailable || id === chosen || id === pinned
  const here = new Set(devices.map(({ id }) => id))
  const isCardless = ({ id }: DeviceState): boolean =>
    graphicsCards.length === 0 && deviceFacts[id].hardware === 'graphics'
  const others = devices.filter((device) => !isListed(device))
  return {
    usable: [...devices.filter(isListed), ...absentOf(pinned, here)],
    missing: groupMissing(others.filter((device) => !isCardless(device))),
    cardless: groupMissing(others.filter(isCardless))[0] ?? null,
    elsewhere: deviceIds.filter((id) => !here.has(id)),
  }
}

/** Chosen by hand on another kind of system, from which the library came. */
function absentOf(pinned: DeviceId | null, here: ReadonlySet<DeviceId>): DeviceState[] {
  if (pinned === null || here.has(pinned)) return []
  return [{ id: pinned, isAvailable: false, missing: null, figure: null, failure: null }]
}

function groupMissing(devices: readonly DeviceState[]): MissingGroup[] {
  const groups = new Map<string, MissingGroup>()
  for (const { id, missing } of devices) {
    if (missing === null) continue
    const engine = missingEngine(id, missing)
    const key = engine ?? missing.remedy
    const known = groups.get(key)
    groups.set(key, { engine, problem: known?.problem ?? missing, devices: [...(known?.devices ?? []), id] })
  }
  return [...groups.values()]
}

/** The engine that would make the device usable; null where fetching one does not. */
const missingEngine = (id: DeviceId, { code }: Problem): EngineId | null =>
  code === 'engine.missing' || code === 'engine.damaged' ? deviceFacts[id].engine : null

/** Engines that nothing here could use are told of apart. */
export const isForCards = (engine: EngineId): boolean =>
  deviceIds.every((id) => deviceFacts[id].engine !== engine || deviceFacts[id].hardware === 'graphics')

/** Not measured with this model, though it can be. */
export const isUnmeasured = (
  { isAvailable, figure, failure }: DeviceState,
  modelId: string | null,
): boolean =>
  isAvailable && failure === null && (figure === null || (modelId !== null && figure.modelId !== modelId))

/** What a person asks for and cannot be used now, with the engine that would help; null where it can be, or none is asked. */
export function awayDevice(devices: readonly DeviceState[], asked: unknown): AwayDevice | null {
  const id = deviceIds.find((one) => one === asked)
  if (id === undefined) return null
  const state = devices.find((device) => device.id === id)
  if (state?.isAvailable) return null
  return { id, engine: state?.missing ? missingEngine(id, state.missing) : null }
}

/** A device that gave wrong numbers is no choice, nor one that something is missing for. */
export const isChoice = ({ isAvailable, failure }: DeviceState): boolean =>
  isAvailable && failure?.code !== 'device.wrong'

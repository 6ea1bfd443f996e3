// What a run is computed on: the device that is asked for, or the pinned one, or the fastest measured one, or the
// processor. Pure.
import type { DeviceFigure, DeviceState } from '#shared/contract/devices.ts'
import { deviceName } from '#shared/device-names.ts'
import type { DeviceId } from '#shared/devices.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'

/** A device as it is here, with all that was measured of it. */
export interface KnownDevice {
  readonly id: DeviceId
  readonly missing: Problem | null
  /** Newest first, one for each model. */
  readonly measured: readonly {
    readonly modelId: string
    readonly figure: DeviceFigure | null
    readonly failure: Problem | null
  }[]
}

export interface DeviceChoice {
  readonly device: DeviceId
  /** Why, in one sentence. */
  readonly reason: string
  /** Whether a person should read the reason: false where the processor alone computes, as it always does. */
  readonly isNotable: boolean
  /** Of this model there, else of another; null where none counts. */
  readonly figure: DeviceFigure | null
}

interface Wishes {
  /** Of the recipe. */
  readonly asked: DeviceId | null
  /** Why that one, where it was not a person who chose it. */
  readonly askedBecause?: string
  /** Of the settings. */
  readonly pinned: DeviceId | null
  readonly modelId: string | null
  /** Not to be taken: a run failed there. */
  readonly failed?: readonly DeviceId[]
}

/**
 * Problems, of the one that is asked for: device.missing, device.wrong. One that is only pinned is done without, and that
 * is said.
 */
export function chooseDevice(devices: readonly KnownDevice[], wishes: Wishes): Result<DeviceChoice> {
  const { asked, pinned, modelId } = wishes
  const named = (id: DeviceId, why: string): DeviceChoice => {
    const device = devices.find((one) => one.id === id)
    const failure = newestOf(device, modelId)?.failure
    const warning = failure ? ` When it was measured last, it failed: ${failure.message}` : ''
    return {
      device: id,
      reason: `On ${deviceName(id)}: ${why}.${warning}`,
      isNotable: true,
      figure: figureOf(device, modelId),
    }
  }
  if (asked !== null) {
    const problem = problemOf(devices, asked, modelId)
    return problem === null ? ok(named(asked, wishes.askedBecause ?? 'as you chose')) : fail(problem)
  }
  const fastest = fastestDevice(devices, wishes)
  if (pinned === null) return ok(fastest)
  const problem = problemOf(devices, pinned, modelId)
  if (problem === null) return ok(named(pinned, 'chosen by hand in the settings'))
  const remedy = problem.remedy.endsWith('.') ? problem.remedy : `${problem.remedy}.`
  const instead = `The device of the settings cannot be used now: ${problem.message} ${remedy}`
  return ok({ ...fastest, isNotable: true, reason: `${instead} Meanwhile: ${fastest.reason}` })
}

/** The best one that is left where others failed; null where none is. */
export function nextBest(
  devices: readonly KnownDevice[],
  modelId: string,
  failed: readonly DeviceId[],
): DeviceId | null {
  const { device } = fastestDevice(devices, { asked: null, pinned: null, modelId, failed })
  return failed.includes(device) ? null : device
}

/** A device of another kind of system is in no list. What it computed wrong once with this model, it is not asked for. */
function problemOf(devices: readonly KnownDevice[], id: DeviceId, modelId: string | null): Problem | null {
  const found = devices.find((device) => device.id === id)
  if (found === undefined) return notHere(id)
  if (found.missing !== null) return found.missing
  const newest = newestOf(found, modelId)
  const isOfThis = modelId === null || newest?.modelId === modelId
  return isOfThis && isWrong(found, modelId) ? (newest?.failure ?? null) : null
}

/** With this model, else with any. */
const newestOf = (device: KnownDevice | undefined, modelId: string | null) =>
  device?.measured.find((one) => one.modelId === modelId) ?? device?.measured[0]

/** The processor alone is what the others are compared with. */
const isWrong = (device: KnownDevice, modelId: string | null): boolean =>
  device.id !== 'cpu' && newestOf(device, modelId)?.failure?.code === 'device.wrong'

const notHere = (id: DeviceId): Problem => ({
  code: 'device.missing',
  message: 'This device is not offered on this kind of system.',
  where: id,
  remedy: 'See which there are, under “Settings” or with: tunewright devices list',
})

/** What counts of a device: of this model, else of another. */
export function figureOf(device: KnownDevice | undefined, modelId: string | null): DeviceFigure | null {
  const own = device?.measured.find((one) => one.modelId === modelId)
  return own ? own.figure : (device?.measured.find(({ figure }) => figure !== null)?.figure ?? null)
}

/** Each device as screens show it. */
export function stateOf(device: KnownDevice, modelId: string | null): DeviceState {
  const { id, missing } = device
  const failure = newestOf(device, modelId)?.failure ?? null
  const figure = failure === null ? figureOf(device, modelId) : null
  return { id, isAvailable: missing === null, missing, figure, failure }
}

interface Candidate {
  readonly id: DeviceId
  readonly figure: DeviceFigure
}

function fastestDevice(devices: readonly KnownDevice[], { modelId, failed = [] }: Wishes): DeviceChoice {
  // One that computes wrong with some model is trusted with no other before it was measured again.
  const usable = devices.filter(
    (device) => device.missing === null && !failed.includes(device.id) && !isWrong(device, modelId),
  )
  const [best, ...others] = comparable(usable, modelId).sort((a, b) => b.figure.gflops - a.figure.gflops)
  if (best === undefined)
    return {
      device: 'cpu',
      reason: devices.some(({ measured }) => measured.length > 0)
        ? 'On the processor: of what was measured on this computer, nothing else can be used for this now.'
        : 'On the processor: nothing else was measured on this computer.',
      isNotable: false,
      figure: null,
    }
  const isOnly = !devices.some(
    ({ id, measured }) =>
      id !== best.id && measured.some(({ modelId: measuredId }) => measuredId === best.figure.modelId),
  )
  return {
    device: best.id,
    reason: reasonOf(best, others, isOnly),
    isNotable: best.id !== 'cpu',
    figure: best.figure,
  }
}

/** Figures of one model only compare: this one's, else those of the model that most devices were measured with. */
function comparable(usable: readonly KnownDevice[], modelId: string | null): Candidate[] {
  const withModel = (id: string): Candidate[] =>
    usable.flatMap((device) => {
      const figure = device.measured.find((one) => one.modelId === id)?.figure ?? null
      return figure === null ? [] : [{ id: device.id, figure }]
    })
  const own = modelId === null ? [] : withModel(modelId)
  if (own.length > 0) return own
  // What failed with this model is no choice for it, whatever it does with another.
  const hasFailed = new Set(
    usable.filter(({ measured }) => measured.some((one) => one.modelId === modelId)).map(({ id }) => id),
  )
  const models = new Set(usable.flatMap(({ measured }) => measured.map((one) => one.modelId)))
  const groups = [...models].map((id) => withModel(id).filter((one) => !hasFailed.has(one.id)))
  return groups.reduce((most, group) => (group.length > most.length ? group : most), [])
}

function reasonOf({ id, figure }: Candidate, others: readonly Candidate[], isOnly: boolean): string {
  const than = others.find((other) => other.id === 'cpu') ?? others[0]
  const here = `measured here with ${figure.modelName}`
  if (than === undefined)
    return isOnly
      ? `On ${deviceName(id)}: the only device that was ${here}.`
      : `On ${deviceName(id)}: the only one of the devices ${here} that can be used now.`
  const factor = figure.gflops / than.figure.gflops
  const faster =
    factor < 1.05 ? 'the fastest by a little' : `${factor.toFixed(1)} times as fast as ${deviceName(than.id)}`
  const alone = than.id === 'cpu' && factor >= 1.05 ? ' alone (ONNX Runtime)' : ''
  return `On ${deviceName(id)}: ${faster}${alone}, ${here}.`
}

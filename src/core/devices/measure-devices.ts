// "Measure this computer": a real training step of a model on every device that can be used, one after the other, each in a
// process of its own. One that crashes, hangs or computes wrong numbers has that as its result, and the next is measured
// all the same.
import { totalmem } from 'node:os'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import { attemptAsync, ok, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { tryKernels } from '../engines/kernels-trial.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { listModels, showModel } from '../models/model-library.ts'
import type { JobTools } from '../system/jobs.ts'
import { describeMachine } from '../system/machine.ts'
import type { DevicePorts } from './ask-speedometer.ts'
import { keepMeasurement, type Measurement } from './device-figures.ts'
import { measureDevice, type Numbers } from './measure-device.ts'
import { type MeasuredStep, measuredStep } from './measured-step.ts'
import { whileMeasuring } from './measuring-lock.ts'
import { devicesOf, missingOf } from './missing-devices.ts'
import { lookAround, placeOf } from './surroundings.ts'

export interface MeasureOptions {
  /** Null takes the starter, or else any model. */
  readonly modelId: string | null
  /** With the processor, with which they are compared; left out, every one that can be used. */
  readonly devices?: readonly DeviceId[]
  /** How long each device computes; by default ten seconds. */
  readonly seconds?: number
  /** Whether a run computed since then: what was measured beside one says nothing. Left out, nobody looks. */
  readonly wasDisturbed?: (sinceMs: number) => boolean
}

const usualSeconds = 10

type Tools = Pick<JobTools, 'signal' | 'tell'>

/**
 * Every measurement is kept as it ends. Problems: model.unknown, model.damaged, memory.too-small, proof.cancelled and
 * run.active (somebody measures already, or a run began meanwhile; what was measured before stays), those of a full disk.
 * What fails on a device is no Problem of the whole.
 */
export function measureDevices(
  ports: DevicePorts,
  options: MeasureOptions,
  tools: Tools,
): Promise<Result<readonly Measurement[]>> {
  return attemptAsync(async () => {
    const model = unwrap(await modelOf(ports, options.modelId))
    const planned = await readPlannedModel(ports.library, model)
    const step = measuredStep(model, planned, describeMachine().physicalCores)
    requireMemory(step)
    return whileMeasuring(ports.library, () => measureAll(ports, { ...options, model, step }, tools))
  })
}

type Work = MeasureOptions & { readonly model: ModelManifest; readonly step: MeasuredStep }

async function measureAll(
  ports: DevicePorts,
  { model, step, devices: wanted, seconds = usualSeconds, wasDisturbed }: Work,
  tools: Tools,
): Promise<readonly Measurement[]> {
  const { library } = ports
  const around = await lookAround(library)
  // The processor comes first: with what it computes the others are compared.
  const devices = devicesOf(around.system).filter(
    (device) =>
      missingOf(device, around) === null && (device === 'cpu' || (wanted?.includes(device) ?? true)),
  )
  if (devices.some((device) => deviceFacts[device].engine === 'tensorflow')) {
    tools.tell("Trying Tunewright's own operators out")
    await tryKernels(ports, tools.signal)
  }
  const done: Measurement[] = []
  let right: Numbers | null = null
  for (const [index, device] of devices.entries()) {
    const begunMs = Date.now()
    const request = { device, model, step, seconds, right }
    const outcome = await measureDevice(ports, request, {
      ...tools,
      tell: partOf(tools.tell, index, devices.length),
    })
    if (!outcome.ok && outcome.problem.code === 'proof.cancelled') throw new ProblemError(outcome.problem)
    if (wasDisturbed?.(begunMs)) throw new ProblemError(disturbed)
    if (outcome.ok && device === 'cpu') right = outcome.value.numbers
    const measured: Measurement = {
      device,
      place: placeOf(device, around),
      modelId: model.id,
      weightsSha256: model.weightsSha256,
      measuredAtMs: Date.now(),
      figure: outcome.ok ? outcome.value.figure : null,
      failure: outcome.ok ? null : outcome.problem,
    }
    await keepMeasurement(library, measured)
    done.push(measured)
  }
  return done
}

/** Of each device's progress; the time that is left follows from it, and no device is known to take longer than another. */
const unitsOfDevice = 1000

/** One progress over all devices, whatever each has of its own. */
const partOf =
  (tell: Tools['tell'], index: number, devices: number): Tools['tell'] =>
  (phase, done = 0, total = 0) =>
    tell(
      `${index + 1} of ${devices}: ${phase}`,
      unitsOfDevice * (index + (total === 0 ? 0 : Math.min(1, done / total))),
      unitsOfDevice * devices,
    )

const disturbed = {
  code: 'run.active',
  message: 'A run began meanwhile, so the figures say nothing, and were not kept.',
  where: 'the measurement',
  remedy: 'Wait until the run is done, or pause or stop it; then measure again.',
} as const

async function modelOf({ library }: DevicePorts, modelId: string | null): Promise<Result<ModelManifest>> {
  if (modelId !== null) return showModel(library, modelId)
  const starter = await showModel(library, 'starter')
  if (starter.ok) return starter
  const { models } = await listModels(library)
  const smallest = models.toSorted((a, b) => a.parameters - b.parameters)[0]
  return smallest === undefined ? starter : ok(smallest)
}

/** The system and other programs need the rest. */
const mostOfAll = 0.85

function requireMemory({ plannedBytes }: MeasuredStep): void {
  if (plannedBytes <= mostOfAll * totalmem()) return
  throw new ProblemError({
    code: 'memory.too-small',
    message: `A step of this model takes about ${formatBytes(plannedBytes)} of memory, and this computer has ${formatBytes(totalmem())}.`,
    where: 'the measurement',
    remedy: 'Measure with a smaller model: which device is fastest is mostly the same.',
  })
}

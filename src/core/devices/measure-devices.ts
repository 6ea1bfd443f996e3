// "Measure this computer": a real training step of a model on every device that can be used, one after the other, each in a
// process of its own. One that crashes, hangs or computes wrong numbers has that as its result, and the next is measured
// all the same.
import { totalmem } from 'node:os'
import type { DeviceId } from '#shared/devices.ts'
import { attemptAsync, ok, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { listModels, showModel } from '../models/model-library.ts'
import type { JobTools } from '../system/jobs.ts'
import { describeMachine } from '../system/machine.ts'
import type { DevicePorts } from './ask-speedometer.ts'
import { keepMeasurement, type Measurement } from './device-figures.ts'
import { measureDevice, type Numbers } from './measure-device.ts'
import { type MeasuredStep, measuredStep } from './measured-step.ts'
import { devicesOf, missingOf } from './missing-devices.ts'
import { lookAround, placeOf } from './surroundings.ts'

export interface MeasureOptions {
  /** Null takes the starter, or else any model. */
  readonly modelId: string | null
  /** With the processor, with which they are compared; left out, every one that can be used. */
  readonly devices?: readonly DeviceId[]
  /** How long each device computes; by default ten seconds. */
  readonly seconds?: number
}

const usualSeconds = 10

/**
 * Every measurement is kept as it ends. Problems: model.unknown, model.damaged, memory.too-small, proof.cancelled (what was
 * measured before stays), those of a full disk. What fails on a device is no Problem of the whole.
 */
export function measureDevices(
  ports: DevicePorts,
  { modelId, devices: wanted, seconds = usualSeconds }: MeasureOptions,
  tools: Pick<JobTools, 'signal' | 'tell'>,
): Promise<Result<readonly Measurement[]>> {
  return attemptAsync(async () => {
    const { library } = ports
    const model = unwrap(await modelOf(ports, modelId))
    const planned = await readPlannedModel(library, model)
    const step = measuredStep(model, planned, describeMachine().physicalCores)
    requireMemory(step)
    const around = await lookAround(library)
    // The processor comes first: with what it computes the others are compared.
    const devices = devicesOf(around.system).filter(
      (device) =>
        missingOf(device, around) === null && (device === 'cpu' || (wanted?.includes(device) ?? true)),
    )
    const done: Measurement[] = []
    let right: Numbers | null = null
    for (const device of devices) {
      const request = { device, model, step, seconds, right }
      const outcome = await measureDevice(ports, request, tools)
      if (!outcome.ok && outcome.problem.code === 'proof.cancelled') throw new ProblemError(outcome.problem)
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
  })
}

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

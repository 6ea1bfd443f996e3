// One device measured with a real training step: its speed, memory and energy, and whether its numbers are right.
import type { DeviceFigure } from '#shared/contract/devices.ts'
import { deviceName } from '#shared/device-names.ts'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import type { SpeedEvent, SpeedEventOf } from '#shared/speed-protocol.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { modelFolder } from '../models/model-library.ts'
import { defaultSilenceMs } from '../proof/child-job.ts'
import { createEnergyMeter } from '../system/energy-meter.ts'
import type { JobTools } from '../system/jobs.ts'
import { askSpeedometer, type DevicePorts, wrongNumbers } from './ask-speedometer.ts'
import { checkDevice } from './check-device.ts'
import { stepBoundOf } from './device-bounds.ts'
import { type GraphicsUsage, sampleGraphics } from './graphics-cards-usage.ts'
import type { MeasuredStep } from './measured-step.ts'

/** Of a step whose seed is fixed: on every device the same, but for rounding. */
export interface Numbers {
  readonly lossNats: number
  readonly gradientSums: readonly number[]
}

export interface DeviceRequest {
  readonly device: DeviceId
  readonly model: ModelManifest
  readonly step: MeasuredStep
  readonly seconds: number
  /** Of the processor; null for itself, and where it has none. */
  readonly right: Numbers | null
}

export interface MeasuredDevice {
  readonly figure: DeviceFigure
  readonly numbers: Numbers
}

const leastSteps = 3
/** A device that is slower than this, in operations a second, counts as hung. */
const slowestFlops = 3e9

/** Problems: device.wrong, what the process says, backend.failed where it died or hung, proof.cancelled. */
export async function measureDevice(
  ports: DevicePorts,
  request: DeviceRequest,
  { signal, tell }: Pick<JobTools, 'signal' | 'tell'>,
): Promise<Result<MeasuredDevice>> {
  const { device, model, step, seconds } = request
  const phase = `${model.name} on ${deviceName(device)}`
  tell(phase)
  const watch = watchSteps((done, total) => tell(phase, done, total))
  const graphics = deviceFacts[device].hardware === 'graphics' ? sampleGraphics() : null
  await graphics?.isReady
  const { recipe, tokensPerRow } = step
  const folder = modelFolder(ports.library, model.id)
  const asked = await askSpeedometer(ports, {
    device,
    task: { kind: 'step', modelFolder: folder, recipe, tokensPerRow, seconds, leastSteps },
    remedy: 'Train on another device, or measure again with a smaller model.',
    silenceMs: Math.max(defaultSilenceMs, (1000 * step.flops) / slowestFlops),
    signal,
    onEvent: watch.hear,
  })
  const usage = (await graphics?.stop()) ?? noUsage
  if (!asked.ok) return fail(asOfDevice(device, asked.problem))
  const { stepped } = watch.heard
  if (stepped === null) return fail(wrongNumbers(device, null, stepBoundOf(device)))
  const difference = await judge(ports, request, stepped, signal)
  if (!difference.ok) return difference
  const figure = { ...figureOf(request, watch.heard, stepped, usage), difference: difference.value }
  return ok({ numbers: stepped, figure })
}

const noUsage: GraphicsUsage = { peakBytes: null, watts: null }

interface Heard {
  stepped: SpeedEventOf<'stepped'> | null
  backend: string
  /** Of the processors while the steps ran; null where there is no counter. */
  wattHours: number | null
}

/** The first step, in which much is done once only, is over when the counting begins. */
function watchSteps(tell: (done: number, total: number) => void) {
  const meter = createEnergyMeter()
  const heard: Heard = { stepped: null, backend: '', wattHours: null }
  let before: number | null = null
  const hear = (event: SpeedEvent): void => {
    if (event.kind === 'finished') heard.backend = event.backend
    if (event.kind === 'progress') {
      if (event.done === 0) before = meter.wattHours()
      tell(event.done, event.total)
    }
    if (event.kind === 'stepped') {
      heard.stepped = event
      const after = meter.wattHours()
      // A counter that ran over tells nothing.
      heard.wattHours = before === null || after === null || after < before ? null : after - before
    }
  }
  return { heard, hear }
}

/** How far its numbers lie from right ones: those of the processor, or, where that has none, the definition's. */
async function judge(
  ports: DevicePorts,
  { device, right }: DeviceRequest,
  stepped: Numbers,
  signal: AbortSignal,
): Promise<Result<number>> {
  if (device === 'cpu') return ok(0)
  if (right === null) {
    const checked = await checkDevice(device, ports, signal)
    return checked.ok ? ok(checked.value.difference) : checked
  }
  const bound = stepBoundOf(device)
  const difference = differenceOf(stepped, right)
  if (difference <= bound) return ok(difference)
  return fail(wrongNumbers(device, Number.isFinite(difference) ? difference : null, bound))
}

function figureOf(
  { model, step }: DeviceRequest,
  { backend, wattHours }: Heard,
  { stepMs, peakBytes, steps }: SpeedEventOf<'stepped'>,
  usage: GraphicsUsage,
): Omit<DeviceFigure, 'difference'> {
  const ofCards = usage.watts === null ? null : (usage.watts * stepMs) / 3.6e6
  const ofProcessors = wattHours === null ? null : wattHours / steps
  return {
    modelId: model.id,
    modelName: model.name,
    backend,
    rows: step.recipe.batch.microRows,
    tokensPerRow: step.tokensPerRow,
    stepMs,
    gflops: step.flops / (stepMs * 1e6),
    peakBytes,
    plannedBytes: step.plannedBytes,
    devicePeakBytes: usage.peakBytes,
    stepWattHours: ofCards === null && ofProcessors === null ? null : (ofCards ?? 0) + (ofProcessors ?? 0),
    measuredAtMs: Date.now(),
  }
}

/** The larger one of the losses' and the gradients' distance, each relative. */
function differenceOf(found: Numbers, right: Numbers): number {
  const lengthOf = (numbers: readonly number[]): number => Math.hypot(...numbers)
  const apart = right.gradientSums.map((sum, i) => sum - (found.gradientSums[i] ?? Number.NaN))
  return Math.max(
    Math.abs(found.lossNats - right.lossNats) / Math.abs(right.lossNats),
    lengthOf(apart) / lengthOf(right.gradientSums),
  )
}

/** Numbers that grew beyond all bounds are wrong numbers, too. */
const asOfDevice = (device: DeviceId, problem: Problem): Problem =>
  problem.code === 'training.diverged' ? wrongNumbers(device, null, stepBoundOf(device)) : problem

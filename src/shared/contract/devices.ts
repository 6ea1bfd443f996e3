// What runs can be computed on, how fast it was measured to be here, and the engines that are fetched for it.
import { z } from 'zod'
import { deviceId, engineId } from '../devices.ts'
import { count, timeMs } from '../fields.ts'
import { problem } from '../problem-schema.ts'
import { call, id, nothing, started } from './define.ts'

/** Operations in 10^9 a second: no processor and no card computes a million times as many. */
const mostGflops = 1e9

/** A real training step of a model, measured in a process of its own. */
export const deviceFigure = z.strictObject({
  modelId: id,
  modelName: z.string(),
  /** Name and version of the backend. */
  backend: z.string(),
  /** The step: rows of so many tokens, LoRA, a quarter of the tokens labelled, activations computed again. */
  rows: count,
  tokensPerRow: count,
  /** Fastest step. */
  stepMs: z.number().positive(),
  /** Operations of the step's matrix products over its time, in 10^9 a second. */
  gflops: z.number().positive().lt(mostGflops),
  /** Most memory of the process. */
  peakBytes: count.positive(),
  /** What the memory plan says of that step on the processor. */
  plannedBytes: count.positive(),
  /** Most memory of the graphics card; null on a processor, and where it cannot be read. */
  devicePeakBytes: count.nullable(),
  /** Of the whole computer, for a step; null where there is no counter. */
  stepWattHours: z.number().nonnegative().nullable(),
  /** How far its loss and gradients lay from the processor's in float32, relative; 0 for that itself. */
  difference: z.number().nonnegative(),
  measuredAtMs: timeMs,
})
export type DeviceFigure = z.output<typeof deviceFigure>

export const deviceState = z.strictObject({
  id: deviceId,
  /** It can be used now. */
  isAvailable: z.boolean(),
  /** What is missing, with the exact remedy; null where nothing is. */
  missing: problem.nullable(),
  /** The newest measurement here; null before there was one, or where the last one failed. */
  figure: deviceFigure.nullable(),
  /** Why the last measurement gave no figure: a crash is a result too. */
  failure: problem.nullable(),
})
export type DeviceState = z.output<typeof deviceState>

/** A graphics card, as the system tells of it. */
export const graphicsCard = z.strictObject({
  name: z.string(),
  vendor: z.enum(['nvidia', 'amd', 'intel', 'apple', 'other']),
  /** null where the system does not say. */
  memoryBytes: count.nullable(),
  driver: z.string().nullable(),
  /** NVIDIA's compute capability, e.g. "8.6"; null elsewhere. */
  computeCapability: z.string().nullable(),
  /** What can be done with it here, and what is missing and how to get it, in whole sentences. */
  sentences: z.array(z.string()),
})
export type GraphicsCard = z.output<typeof graphicsCard>

export const devicesView = z.strictObject({
  devices: z.array(deviceState),
  graphicsCards: z.array(graphicsCard),
  /** What a run takes that asks for nothing: the pinned one, or else the fastest of those measured, or else "cpu". */
  chosen: deviceId,
  /** Why, in one sentence. */
  reason: z.string(),
  /** What a person pinned in the settings; null for "the fastest". */
  pinned: deviceId.nullable(),
})
export type DevicesView = z.output<typeof devicesView>

export const engineState = z.strictObject({
  id: engineId,
  name: z.string(),
  version: z.string(),
  /** What it is good for, in one sentence. */
  purpose: z.string(),
  licences: z.array(z.string()),
  downloadBytes: count,
  diskBytes: count,
  status: z.enum(['not-offered', 'absent', 'installed', 'damaged']),
  /** Why it is not offered, or what is damaged, with the remedy. */
  problem: problem.nullable(),
  /** Of one that is here: what it computes with, or without, that changes how fast it is; null where there is nothing to say. */
  notice: z.string().nullable(),
})
export type EngineState = z.output<typeof engineState>

export const deviceCalls = {
  /** `modelId`: figures of this model where there are some, else of another. */
  'devices.view': call(z.strictObject({ modelId: id.nullable() }), devicesView),
  /** A job that measures every available device with this model; null takes the starter, or else any model. */
  'devices.measure': call(z.strictObject({ modelId: id.nullable() }), started),
} as const

export const engineCalls = {
  'engines.list': call(nothing, z.strictObject({ engines: z.array(engineState) })),
  /** A job: fetches, checks, unpacks, tries it out. Downloads must be allowed in the settings. */
  'engines.add': call(z.strictObject({ engineId }), started),
  'engines.remove': call(z.strictObject({ engineId }), z.strictObject({ freedBytes: count })),
} as const

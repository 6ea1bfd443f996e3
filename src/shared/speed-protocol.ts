// Messages to and from the process that tries a device out: whether its numbers are right, and how fast it computes a real
// training step.
import { z } from 'zod'
import { childCommand, childEvents } from './child-protocol.ts'
import { deviceId } from './devices.ts'
import { recipe } from './recipe.ts'

const threads = z.int().min(1).max(256)

export const speedTask = z.discriminatedUnion('kind', [
  /** A step of a tiny model, made in the process, against the same step by definition. */
  z.strictObject({ kind: z.literal('check') }),
  /** Steps of a model of the library, on rows of random tokens. */
  z.strictObject({
    kind: z.literal('step'),
    modelFolder: z.string(),
    /** With the model's hash, the threads and the rows at once. */
    recipe,
    tokensPerRow: z.int().min(2),
    seconds: z.number().min(0).max(600),
    leastSteps: z.int().min(1).max(100),
  }),
])
export type StepTask = Extract<z.output<typeof speedTask>, { kind: 'step' }>

export const speedJob = z.strictObject({
  device: deviceId,
  /** Where fetched runtimes lie. */
  enginesFolder: z.string(),
  /** File of our own operators for TensorFlow to be tried; left out: the one that was tried, if it computed right. */
  kernels: z.string().optional(),
  /** Which of several graphics cards it takes, by its number from 0; left out, what the system gives. */
  card: z.int().nonnegative().optional(),
  /** For files of this job only. */
  workFolder: z.string(),
  threads,
  task: speedTask,
})
export type SpeedJob = z.output<typeof speedJob>

export const speedCommand = childCommand(speedJob)

export const speedEvent = z.discriminatedUnion('kind', [
  ...childEvents,
  /** Steps done, of about how many; the first one is not timed. */
  z.strictObject({ kind: z.literal('progress'), done: z.int(), total: z.int() }),
  /** Of "check": how far loss and gradients lie from those by definition, relative; null where they are no numbers. */
  z.strictObject({ kind: z.literal('checked'), difference: z.number().nullable() }),
  /** Of "step". */
  z.strictObject({
    kind: z.literal('stepped'),
    steps: z.int(),
    /** Fastest one. */
    stepMs: z.number(),
    /** Most memory of the process. */
    peakBytes: z.int(),
    /** Of the first step, before anything was learnt. */
    lossNats: z.number(),
    /** Sums of its gradient over as many random halves: their distance to another device's is that of the gradients. */
    gradientSums: z.array(z.number()),
  }),
  z.strictObject({
    kind: z.literal('finished'),
    /** Name and version of the backend. */
    backend: z.string(),
  }),
])
export type SpeedEvent = z.output<typeof speedEvent>
export type SpeedEventOf<K extends SpeedEvent['kind']> = Extract<SpeedEvent, { kind: K }>

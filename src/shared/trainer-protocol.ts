// Messages between the application and a trainer process, the same over child_process and utilityProcess.
import { z } from 'zod'
import { deviceId } from './devices.ts'
import { determinismLabels, finishReasons, samplesBody, stepBody, validationBody } from './journal-types.ts'
import { problem } from './problem-schema.ts'
import { recipe } from './recipe.ts'
import { pruneRung } from './study.ts'

const journaled = z.strictObject({ step: z.int().nonnegative(), evaluatedAtStep: z.int().min(-1) })
export type Journaled = z.output<typeof journaled>

/** What the trainer is told to do. Paths point into the library only: files we wrote and verified. */
export const trainerJob = z.strictObject({
  runId: z.string(),
  recipe,
  /** Folder with model.safetensors, config.json, tokenizer.json, tokenizer_config.json. */
  modelFolder: z.string(),
  /** Folder with train.jsonl and validation.jsonl. The trainer never gets the test set's path. */
  datasetFolder: z.string(),
  /** The same for the texts of the first stage; left out where the recipe has none. */
  beforeFolder: z.string().optional(),
  /** The run's own folder: checkpoints/, adapter/, work/. */
  runFolder: z.string(),
  /** Things that can be made again: rows as tokens, what frozen blocks made of them. */
  cacheFolder: z.string(),
  /** What they may take on disk. */
  cacheLimitBytes: z.int().nonnegative(),
  /** What this attempt is computed on, where that is not what the recipe says. */
  device: deviceId.optional(),
  /** Rows that this attempt computes at a time, where those are fewer than the recipe says. */
  rowsAtOnce: z.int().positive().optional(),
  /** Which of several graphics cards it takes, by its number from 0; left out, what the system gives. */
  card: z.int().nonnegative().optional(),
  /** How many times what is planned that device takes, measured; left out, as planned. */
  memoryFactor: z.number().min(1).optional(),
  /** Where fetched runtimes lie; left out, there are none. */
  enginesFolder: z.string().optional(),
  /** What is told as notices when the run begins: what was changed so that it fits into memory. */
  notices: z.array(z.string()).optional(),
  /**
   * A trial is given up after the measurement at this share of its steps where its lowest loss so far is above the limit.
   * The shares are among `recipe.evaluation.atShares`. Left out, nothing is given up.
   */
  pruneAt: z.array(pruneRung).optional(),
  /** No answers are written beside measurements: of a trial nobody reads them, and they take a part of its time. */
  withoutSamples: z.boolean().optional(),
  /** The process stays after this run's end and waits for another `start`, holding what that one can use again. */
  staysOpen: z.boolean().optional(),
  /**
   * How far the journal holds this run: its last step and the step of its last measurement (-1: none). A checkpoint from
   * further on is not gone on from, or the curve would have a hole. Left out, any checkpoint counts.
   */
  journaled: journaled.optional(),
  /** First event's sequence number: one more than the last the journal holds for this run. */
  firstSeq: z.int().nonnegative(),
})
export type TrainerJob = z.output<typeof trainerJob>

export const trainerCommand = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('start'), job: trainerJob }),
  z.strictObject({ kind: z.literal('pause') }),
  z.strictObject({ kind: z.literal('resume') }),
  /** Stop at the next micro-batch with a checkpoint from which the run can go on. */
  z.strictObject({ kind: z.literal('cancel') }),
  /** The journal holds all up to the checkpoint of this step: older ones are not needed any more. */
  z.strictObject({ kind: z.literal('journaled'), step: z.int().nonnegative() }),
])
export type TrainerCommand = z.output<typeof trainerCommand>

export const trainerPhases = [
  'loading',
  'preparing',
  'quantising',
  'training',
  'evaluating',
  'saving',
  'paused',
  'finishing',
] as const

/** What happened, in the order of `seq`. Everything but `heartbeat` is stored in the journal. */
export const trainerEvent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('phase'), phase: z.enum(trainerPhases), detail: z.string() }),
  z.strictObject({
    kind: z.literal('plan'),
    /** Of both stages, where the recipe has two; all else here is about the second. */
    totalSteps: z.int(),
    /** The first of two stages, whose steps come first. */
    before: z
      .strictObject({
        steps: z.int(),
        stepsPerEpoch: z.int(),
        trainRows: z.int(),
        /** Tokens of a step, in mean, over those of a step of the second stage: so much longer it takes. */
        stepWork: z.number().positive(),
      })
      .optional(),
    stepsPerEpoch: z.int(),
    evaluateEverySteps: z.int(),
    /** Steps of the run after which it is measured, where the recipe says at which shares; the last one is among them. */
    evaluateAtSteps: z.array(z.int()).optional(),
    trainRows: z.int(),
    validationRows: z.int(),
    trainableParameters: z.int(),
    /** Rows that could not be used for training, each with its reason. */
    leftOut: z.array(z.strictObject({ rowId: z.string(), reason: z.string() })),
    /** Step that the run goes on from: 0 for a new run. */
    resumedAtStep: z.int(),
    determinism: z.enum(determinismLabels),
    backend: z.string(),
  }),
  z.strictObject({ kind: z.literal('step'), ...stepBody.shape }),
  z.strictObject({ kind: z.literal('evaluation'), ...validationBody.shape }),
  /** After the evaluation of the same step; left out where there was no time, and after one that failed. */
  z.strictObject({ kind: z.literal('samples'), ...samplesBody.shape }),
  z.strictObject({
    kind: z.literal('checkpoint'),
    step: z.int(),
    /** Folder name under runFolder/checkpoints. */
    folder: z.string(),
    manifestSha256: z.string(),
    bytes: z.int(),
  }),
  z.strictObject({ kind: z.literal('notice'), text: z.string() }),
  /** What this run did not have to do, because an earlier one had: told before its end. */
  z.strictObject({
    kind: z.literal('reused'),
    isModelReused: z.boolean(),
    graphsReused: z.int().nonnegative(),
    graphsCompiled: z.int().nonnegative(),
    /** Time that loading and compiling took, here and where the model was loaded first. */
    preparingMs: z.number().nonnegative(),
    areTokensReused: z.boolean(),
    frozenRowsReused: z.int().nonnegative(),
    frozenRowsComputed: z.int().nonnegative(),
    /** Time of those that were computed. */
    frozenMs: z.number().nonnegative(),
  }),
  z.strictObject({
    kind: z.literal('finished'),
    reason: z.enum(finishReasons),
    step: z.int(),
    /** Step of the kept adapter and its validation loss; null where nothing was measured yet. */
    bestStep: z.int().nullable(),
    bestLossNats: z.number().nullable(),
    adapterSha256: z.string().nullable(),
    peakResidentBytes: z.int(),
  }),
  z.strictObject({ kind: z.literal('failed'), problem }),
  /** The disk is full or failed: nothing is lost, the run waits for `resume` or `cancel`. */
  z.strictObject({ kind: z.literal('paused'), step: z.int(), problem: problem.nullable() }),
  z.strictObject({ kind: z.literal('resumed'), step: z.int() }),
  z.strictObject({
    kind: z.literal('heartbeat'),
    step: z.int(),
    phase: z.enum(trainerPhases),
    residentBytes: z.int(),
  }),
])
export type TrainerEvent = z.output<typeof trainerEvent>
export type TrainerEventKind = TrainerEvent['kind']
export type TrainerEventOf<K extends TrainerEventKind> = Extract<TrainerEvent, { kind: K }>

/** An event on the wire: `seq` rises by one for each stored event of a run, heartbeats carry the last seq again. */
export interface TrainerMessage {
  readonly seq: number
  readonly event: TrainerEvent
}

/** What a trainer process is set up for once, as one text: a job for another place needs another process. */
export const placeOf = ({
  device,
  recipe: { threads, ...wanted },
  card,
  enginesFolder,
}: TrainerJob): string =>
  JSON.stringify([device ?? wanted.device, threads, card ?? null, enginesFolder ?? null])

/** Whether a process that stays open goes on after this last word; after others its runtime may be at fault. */
export const leavesInOrder = (event: TrainerEvent): boolean =>
  event.kind === 'finished' || (event.kind === 'failed' && event.problem.code === 'training.diverged')

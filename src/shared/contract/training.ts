// Should I train, the plan, and a run from its start to its end. The same view serves a living run and one of last year.
import { z } from 'zod'
import { count, sha256Hex, timeMs } from '../fields.ts'
import { runSummary, samplesBody, trainPoint, validationPoint } from '../journal-types.ts'
import { metricName } from '../metrics.ts'
import { problem } from '../problem-schema.ts'
import { interval } from '../proof-protocol.ts'
import { recipe } from '../recipe.ts'
import { call, id, lookedIntoJournal, nothing, started } from './define.ts'
import { fit } from './models.ts'
import { presetId, settingChanges } from './projects.ts'

// ---- should I train? ---------------------------------------------------------------------------------------------

export const adviceSubjects = ['plain', 'few-shot'] as const
export const advice = z.strictObject({
  measuredAtMs: timeMs,
  modelId: id,
  /** Validation rows that were measured, spread over all of them, and how many there are. */
  rows: count,
  rowsThere: count,
  metric: metricName,
  /** Time of one answer, the loading of the model and both ways together: they are measured in one go. */
  answerMs: z.number(),
  subjects: z.array(
    z.strictObject({
      subject: z.enum(adviceSubjects),
      value: interval,
      /** Examples in the prompt. */
      shots: count,
    }),
  ),
  /** Few-shot minus plain on the same rows. */
  difference: interval,
  kind: z.enum(['train', 'examples-may-do', 'prompt-may-do', 'bring-more-rows', 'unclear']),
  /** One sentence of advice, and the reasons with their numbers. */
  sentence: z.string(),
  reasons: z.array(z.string()),
})
export type Advice = z.output<typeof advice>

// ---- the plan -----------------------------------------------------------------------------------------------------

export const planEstimate = z.strictObject({
  steps: count,
  lowSeconds: z.number(),
  highSeconds: z.number(),
  memoryBytes: count,
  diskBytes: count,
  /** null where nothing is known about this computer's power. */
  energyWh: z.number().nullable(),
  /** What the time is taken from. */
  basis: z.enum(['runs-here', 'measured-speed', 'guess']),
})
export const planOption = z.strictObject({
  preset: presetId,
  /** Recipe fields, by path, that the preset and the person's changes set. */
  changes: settingChanges,
  /** All training settings as they would be, by path. */
  values: settingChanges,
  estimate: planEstimate,
  fit,
  /** What will happen, and what it costs. */
  sentences: z.array(z.string()),
  isRecommended: z.boolean(),
  blocking: problem.nullable(),
})
export type PlanOption = z.output<typeof planOption>

// ---- a run --------------------------------------------------------------------------------------------------------

export const runDetail = runSummary.extend({
  recipe,
  device: z.json(),
  versions: z.record(z.string(), z.string()),
  determinism: z.string().nullable(),
  endReason: z.string().nullable(),
  adapterSha256: sha256Hex.nullable(),
  failure: problem.nullable(),
  notes: z.string(),
  headSeq: count,
})

export const diagnosisKinds = [
  'too-early',
  'still-learning',
  'converged',
  'memorising',
  'unstable',
  'rate-too-low',
  'rate-too-high',
  'stopped-early',
  'diverged',
  'given-up',
] as const
export const diagnosis = z.strictObject({
  kind: z.enum(diagnosisKinds),
  severity: z.enum(['good', 'note', 'warning']),
  /** Since which step. */
  step: count,
  /** The finding, and its reason with numbers. */
  sentence: z.string(),
  reason: z.string(),
  /** What helps; empty where there is nothing to mend. */
  help: z.string(),
})
export type Diagnosis = z.output<typeof diagnosis>

export const sampleAnswers = samplesBody.pick({ step: true, answers: true })
export type SampleAnswers = z.output<typeof sampleAnswers>

export const deviceLoad = z.strictObject({
  /** Share of all cores that the trainer uses, 0 to 1. */
  processorShare: z.number().nullable(),
  residentBytes: count.nullable(),
  memoryBytes: count,
  diskBytes: count,
  /** By this computer's processors since the run was started, everything that runs together; null where not known. */
  energyWh: z.number().nullable(),
})

/** What changes while a run trains. */
export const trainingState = z.strictObject({
  runId: id,
  status: runSummary.shape.status,
  /** Of a trainer at work its phase, or `pausing` and `stopping` from the wish until it is done. */
  phase: z.string(),
  step: count,
  totalSteps: count,
  doneShare: z.number(),
  timeLeftMs: z.number().nullable(),
  /** Of a run at rest: at work over all attempts, and from its start to its end; null while it is under way. */
  workedMs: z.number().nullable(),
  spanMs: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  bestStep: count.nullable(),
  device: deviceLoad,
  diagnoses: z.array(diagnosis),
  headSeq: count,
})
export type TrainingState = z.output<typeof trainingState>

const trainPoints = z.array(trainPoint)
const validationPoints = z.array(validationPoint)

/** The run that is repeated beside the one that repeats it, as far as that has come. */
export const repeatCheck = z.strictObject({
  originalId: id,
  /** As it is called beside others of its name (`runLabel`) where a screen shows it. */
  originalName: z.string(),
  /** `same`: every loss, every measurement and the trained weights, bit for bit. */
  kind: z.enum(['running', 'same', 'different', 'cannot-tell']),
  sentence: z.string(),
  /** First step whose loss differs, and by how much at most; null where none does. */
  firstDifferentStep: count.nullable(),
  largestDifferenceNats: z.number().nullable(),
  /** Versions, device, processor, threads: what is not as it was, "what: before -> now". */
  differences: z.array(z.strictObject({ what: z.string(), before: z.string(), now: z.string() })),
})
export type RepeatCheck = z.output<typeof repeatCheck>

export const trainingView = z.strictObject({
  run: runDetail,
  /** The run's number in its project where its name does not tell it apart (`runLabel`). */
  number: count.nullable(),
  state: trainingState,
  /** Thinned to at most 2,000 points; validation points are all there. */
  train: trainPoints,
  validation: validationPoints,
  samples: z.array(sampleAnswers),
  notices: z.array(z.strictObject({ atMs: timeMs, text: z.string() })),
  canContinue: z.boolean(),
  /** The search, not at its end, that this trial at rest goes on with; null for any other run. */
  goesOnWith: id.nullable(),
  hasAdapter: z.boolean(),
  /** Why it waits in the queue; null where it does not. */
  waiting: z.string().nullable(),
  /** Of a run that repeats another one: what that showed; null for any other. */
  repeat: repeatCheck.nullable(),
})
export type TrainingView = z.output<typeof trainingView>

const ofProject = z.strictObject({ projectId: id })
const ofRun = z.strictObject({ runId: id })

export const trainingCalls = {
  'advice.get': call(ofProject, z.strictObject({ advice: advice.nullable() })),
  'advice.start': call(ofProject, started),
  'plan.options': call(ofProject, z.strictObject({ options: z.array(planOption) })),
  /** The plan with the person's own changes over a preset. */
  'plan.estimate': call(
    z.strictObject({ projectId: id, preset: presetId, changes: settingChanges }),
    planOption,
  ),
  'training.start': call(
    z.strictObject({
      projectId: id,
      preset: presetId,
      changes: settingChanges,
      name: z.string().max(200).nullable().default(null),
      /** The run whose settings this one began from (`training.adopt`). */
      retriedFrom: id.nullable().default(null),
    }),
    z.strictObject({ runId: id }),
  ),
  'training.get': call(z.strictObject({ runId: id, journal: lookedIntoJournal }), trainingView),
  'training.pause': call(ofRun, nothing),
  'training.resume': call(ofRun, nothing),
  /** Stops with a checkpoint and keeps the best version so far. */
  'training.stop': call(ofRun, nothing),
  /** Goes on with a run that was interrupted, stopped or failed. */
  'training.continue': call(ofRun, nothing),
  /** The same recipe once more, to see whether the same comes out. Queued as any run. */
  'training.repeat': call(ofRun, z.strictObject({ runId: id })),
  /** Makes a run's settings the plan of its project, to be changed there and tried again. */
  'training.adopt': call(ofRun, z.strictObject({ projectId: id })),
} as const

export const trainingEvents = {
  /** At most four times a second; points and samples since the last one. */
  'training.update': z.strictObject({
    state: trainingState,
    train: trainPoints,
    validation: validationPoints,
    samples: z.array(sampleAnswers),
    notices: z.array(z.strictObject({ atMs: timeMs, text: z.string() })),
  }),
} as const

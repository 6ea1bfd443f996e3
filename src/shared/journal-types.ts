// What the journal gives back: rows as every process and screen sees them. Times are UTC milliseconds, losses are nats.
import { z } from 'zod'
import { count, sha256Hex, text, timeMs } from './fields.ts'
import { type Recipe, scenarioId } from './recipe.ts'
import type { Problem } from './result.ts'

export const runStatuses = [
  'queued',
  'running',
  'paused',
  'interrupted',
  'finished',
  'cancelled',
  'failed',
  'crashed',
] as const
export const runStatus = z.enum(runStatuses)
export type RunStatus = z.output<typeof runStatus>
/** A run with such a status belongs to a living process, or that process died; in every other it is at rest. */
export const activeStatuses: readonly RunStatus[] = ['queued', 'running', 'paused']

/** How a trainer can say that it came to its end. */
export const finishReasons = ['completed', 'stopped-early', 'cancelled', 'pruned'] as const

export const determinismLabels = [
  'bit-exact on this machine',
  'repeatable within 1e-5',
  'not repeatable',
] as const

export const artifactKinds = ['adapter', 'model', 'checkpoint', 'export', 'gguf'] as const
export const evaluationSubjects = ['base', 'tuned'] as const

export const journalProject = z.strictObject({
  id: z.string(),
  name: z.string(),
  scenario: scenarioId,
  /** What the person wants, in one sentence. */
  goal: z.string(),
  createdAtMs: timeMs,
})
export type JournalProject = z.output<typeof journalProject>

export const journalModel = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** Where it came from, e.g. a hub address with revision, or "file". */
  source: z.string(),
  licence: z.string(),
  weightsSha256: sha256Hex,
  parameters: count,
  addedAtMs: timeMs,
})
export type JournalModel = z.output<typeof journalModel>

export const datasetCounts = z.strictObject({
  train: count,
  validation: count,
  test: count,
  leftOut: count,
})

export const journalDataset = z.strictObject({
  fingerprint: z.string(),
  scenario: scenarioId,
  sourceName: z.string(),
  manifest: z.json(),
  counts: datasetCounts,
  addedAtMs: timeMs,
})
export type JournalDataset = z.output<typeof journalDataset>

/** A run in a list. */
export const runSummary = z.strictObject({
  id: z.string(),
  projectId: z.string(),
  projectName: z.string(),
  name: z.string(),
  status: runStatus,
  scenario: scenarioId,
  modelId: z.string(),
  modelName: z.string(),
  datasetFingerprint: z.string(),
  /** Data set of its first stage; null where it has none. */
  beforeFingerprint: z.string().nullable(),
  seed: z.int(),
  backend: z.string(),
  createdAtMs: timeMs,
  /** When the first attempt started; null while it has never run. */
  startedAtMs: timeMs.nullable(),
  endedAtMs: timeMs.nullable(),
  /** How often it was started: 1 for an undisturbed run, one more for each resume. */
  attempts: count,
  totalSteps: count.nullable(),
  /** Optimizer step of the last "step" event: a resumed run goes over the steps after its checkpoint again. */
  lastStep: count.nullable(),
  bestStep: count.nullable(),
  bestLossNats: z.number().nullable(),
  /** Code of the Problem it failed with. */
  failureCode: z.string().nullable(),
  tags: z.array(z.string()),
  /** 1 to 5 stars by a person; null where none were given. */
  rating: z.int().min(1).max(5).nullable(),
  isPinned: z.boolean(),
  isArchived: z.boolean(),
  /**
   * The study that it is a trial of, and which one; null for a run of its own. Of one that confirms what was found
   * `confirming` says which of those it is, from 1.
   */
  trial: z.strictObject({ studyId: z.string(), number: count, confirming: count.nullable() }).nullable(),
})
export type RunSummary = z.output<typeof runSummary>

/** Everything the journal knows about a run, without its events. */
export interface RunDetail extends RunSummary {
  readonly recipe: Recipe
  readonly device: unknown
  readonly versions: Readonly<Record<string, string>>
  readonly determinism: string | null
  /** "completed", "stopped-early", "cancelled" or "pruned"; null until the trainer said so. */
  readonly endReason: string | null
  readonly adapterSha256: string | null
  readonly failure: Problem | null
  readonly notes: string
  /** Sequence number of the last event; 0 when there is none. */
  readonly headSeq: number
}

export const journalEvent = z.strictObject({
  seq: z.int().positive(),
  attempt: z.int().positive(),
  atMs: timeMs,
  kind: z.string(),
  body: z.json(),
  /** SHA-256 over the previous hash and this event. */
  hash: sha256Hex,
})
export type JournalEvent = z.output<typeof journalEvent>

/** A "step" event, as the trainer sends it and the curve reads it. */
export const stepBody = z.object({
  /** Optimizer steps done, counted from 1 through both stages where a run has two. */
  step: z.int(),
  /** 1 in the first of two stages; left out in the second, and where there is one only. */
  stage: z.literal(1).optional(),
  /** Passes over the rows of its stage. */
  epoch: z.number(),
  lossNats: z.number(),
  gradNorm: z.number(),
  learningRate: z.number(),
  labelledTokens: count,
  tokensSeen: count,
  durationMs: z.number(),
})
export const trainPoint = stepBody.extend({ attempt: z.int(), atMs: timeMs })
export type TrainPoint = z.output<typeof trainPoint>

/** An "evaluation" event, as the trainer sends it and the curve reads it. */
export const validationBody = z.object({
  step: z.int(),
  lossNats: z.number(),
  labelledTokens: count,
  isBest: z.boolean(),
  durationMs: z.number(),
})
export const validationPoint = validationBody.extend({ attempt: z.int(), atMs: timeMs })
export type ValidationPoint = z.output<typeof validationPoint>

/** Longer texts of a sample are cut before they are told. */
export const mostSampleCharacters = 4000
const sampleText = text.max(mostSampleCharacters)

/** A "samples" event: what the model answered to a few validation rows, always the same, as it stood at this step. */
export const samplesBody = z.object({
  step: z.int(),
  answers: z.array(
    z.strictObject({
      rowId: text,
      /** What a person asks: the last message, or the first words of a plain text. */
      prompt: sampleText,
      expected: sampleText,
      answer: sampleText,
      /** The model had not come to an end: more would follow. */
      isCut: z.boolean(),
      /** null where an answer is not simply right or wrong. */
      isRight: z.boolean().nullable(),
    }),
  ),
  durationMs: z.number(),
})
export type SamplesBody = z.output<typeof samplesBody>

/** What the run's row takes from a "plan" event. */
export const planBody = z.object({
  totalSteps: count,
  determinism: z.enum(determinismLabels),
  backend: text,
})

/** Points in order of step; where a step was run twice, the latest attempt's. */
export interface RunCurve {
  readonly train: readonly TrainPoint[]
  readonly validation: readonly ValidationPoint[]
}

export const evaluationAnswer = z.strictObject({
  rowId: text,
  expected: text,
  answer: text,
  /** What this row scored, by name of the metric; also free details such as label probabilities. */
  scores: z.json(),
})
export type EvaluationAnswer = z.output<typeof evaluationAnswer>

export interface JournalEvaluation {
  readonly id: string
  readonly runId: string
  readonly kind: 'proof'
  readonly subject: (typeof evaluationSubjects)[number]
  readonly createdAtMs: number
  readonly datasetFingerprint: string
  readonly metrics: unknown
  readonly answers: readonly EvaluationAnswer[]
  /** SHA-256 over everything above except the id. */
  readonly sha256: string
}

export interface JournalComparison {
  readonly id: string
  readonly runId: string
  readonly createdAtMs: number
  /** Verdict, difference and intervals, as the proof wrote them. */
  readonly body: unknown
  readonly sha256: string
}

/** One look into a locked test set. */
export interface TestSetOpening {
  readonly id: string
  readonly datasetFingerprint: string
  readonly runId: string | null
  readonly purpose: string
  readonly openedAtMs: number
}

export interface JournalArtifact {
  readonly id: string
  readonly runId: string
  readonly kind: (typeof artifactKinds)[number]
  /** Relative to the library's home, with forward slashes. */
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly createdAtMs: number
  readonly removedAtMs: number | null
}

/** Whether a run's events are what was written: unbroken, or the first event that does not fit. */
export type ChainReport =
  | { readonly intact: true; readonly events: number; readonly headHash: string | null }
  | { readonly intact: false; readonly firstBadSeq: number; readonly reason: string }

// What the journal can be told, and nothing else: the shape of every command's input. The journal checks each by this table.
import { z } from 'zod'
import { count, sha256Hex, text, timeMs } from './fields.ts'
import {
  artifactKinds,
  datasetCounts,
  determinismLabels,
  evaluationAnswer,
  evaluationSubjects,
  finishReasons,
  runStatuses,
} from './journal-types.ts'
import { problem } from './problem-schema.ts'
import { verdictKinds } from './proof-protocol.ts'
import { methodKinds, recipe, scenarioId } from './recipe.ts'
import { schedule, studySpec, studyStatuses, studyTrial, trialStatuses } from './study.ts'

/** To SQLite text ends at a zero character: one that begins with it would be empty. */
const filled = text.regex(/^[^\0]/, 'expected text')
const id = filled.max(200)
const line = filled.max(500)
const prose = text.max(100_000)
/** The same tag twice counts once. */
const tags = z
  .array(line)
  .max(100)
  .overwrite((given) => [...new Set(given)])
/** Any JSON value. Checked when it is written: no NaN, no Infinity, no cycles, nothing that JSON would change silently. */
const jsonValue = z.unknown()

export const newProject = z.strictObject({ name: line, scenario: scenarioId, goal: prose.default('') })
export type NewProject = z.input<typeof newProject>

export const newModel = z.strictObject({
  id,
  name: line,
  source: prose,
  licence: line,
  weightsSha256: sha256Hex,
  parameters: count,
})
export type NewModel = z.input<typeof newModel>

export const newDataset = z.strictObject({
  fingerprint: id,
  scenario: scenarioId,
  sourceName: line,
  manifest: jsonValue,
  counts: datasetCounts,
})
export type NewDataset = z.input<typeof newDataset>

export const newRun = z.strictObject({
  /** Left out, the journal makes one. */
  id: id.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected letters, digits, ".", "_" and "-" only').optional(),
  projectId: id,
  name: line,
  recipe,
  backend: line,
  device: jsonValue,
  versions: z.record(z.string(), z.string()),
  determinism: z.enum(determinismLabels).nullable().default(null),
  tags: tags.default([]),
  notes: prose.default(''),
})
export type NewRun = z.input<typeof newRun>

/** What may differ between the first start and a resume on the same computer. */
export const attemptFacts = z.strictObject({
  backend: line.optional(),
  device: jsonValue.optional(),
  versions: z.record(z.string(), z.string()).optional(),
})
export type AttemptFacts = z.input<typeof attemptFacts>

export const newEvent = z.strictObject({
  seq: z.int().positive(),
  atMs: timeMs,
  kind: text.min(1).max(100),
  body: jsonValue,
})
export type NewEvent = z.input<typeof newEvent>
export const newEvents = z.array(newEvent).max(100_000)

export const runFinish = z.strictObject({
  reason: z.enum(finishReasons),
  bestStep: count.nullable(),
  bestLossNats: z.number().nullable(),
  adapterSha256: sha256Hex.nullable(),
})
export type RunFinish = z.input<typeof runFinish>

export const runFailure = z.strictObject({
  status: z.enum(['failed', 'crashed', 'interrupted']),
  problem,
})
export type RunFailure = z.input<typeof runFailure>

export const settableStatus = z.enum(runStatuses)

export const newEvaluation = z.strictObject({
  runId: id,
  kind: z.literal('proof').default('proof'),
  subject: z.enum(evaluationSubjects),
  datasetFingerprint: id,
  metrics: jsonValue,
  answers: z.array(evaluationAnswer.extend({ scores: jsonValue })).max(1_000_000),
})
export type NewEvaluation = z.input<typeof newEvaluation>

export const newComparison = z.strictObject({ runId: id, body: jsonValue })
export type NewComparison = z.input<typeof newComparison>

/** What one proof says: both subjects on the same rows, and the comparison. */
export const newProof = z.strictObject({
  base: newEvaluation,
  tuned: newEvaluation,
  comparison: newComparison,
})
export type NewProof = z.input<typeof newProof>

export const newOpening = z.strictObject({
  datasetFingerprint: id,
  runId: id.nullable().default(null),
  purpose: line,
})
export type NewOpening = z.input<typeof newOpening>

export const newArtifact = z.strictObject({
  runId: id,
  kind: z.enum(artifactKinds),
  /** Relative to the library's home; forward slashes; no "..", no drive letter. */
  path: text
    .min(1)
    .max(1000)
    .regex(/^(?![/\\])(?!.*(^|\/)\.\.(\/|$))[^\\:\0]+$/, 'expected a path inside the library'),
  bytes: count,
  sha256: sha256Hex,
})
export type NewArtifact = z.input<typeof newArtifact>

export const runName = line
export const runNotes = prose
export const runTags = tags
export const rowReference = id
export const removedRuns = z.array(id).max(100_000)
export const attemptNumber = count

/** What a run or study came from. */
export const linkKinds = ['retried-from', 'repeats', 'winner-of', 'imported-from'] as const
export type LinkKind = (typeof linkKinds)[number]
export const newLink = z.strictObject({
  /** The later one. */
  runId: id,
  kind: z.enum(linkKinds),
  /** A run, a study, or for `imported-from` the name of the other journal. */
  parent: line,
})
export type NewLink = z.input<typeof newLink>

export const newStudy = z.strictObject({
  id: id.optional(),
  projectId: id,
  name: line,
  spec: studySpec,
  schedule: schedule.nullable().default(null),
  priority: z.int().min(-10).max(10).default(0),
})
export type NewStudy = z.input<typeof newStudy>

/** What of a study may change; what is left out stays. */
export const studyChange = z.strictObject({
  name: line.optional(),
  notes: prose.optional(),
  schedule: schedule.nullable().optional(),
  status: z.enum(studyStatuses).optional(),
  reason: line.nullable().optional(),
  workedMs: count.optional(),
})
export type StudyChange = z.input<typeof studyChange>

/** Decided and written before anything of it begins. `number` must be the next one. */
export const newTrial = studyTrial.pick({
  studyId: true,
  number: true,
  purpose: true,
  settings: true,
  seed: true,
  rungs: true,
})
export type NewTrial = z.input<typeof newTrial>

/** A trial's end; a second one is refused unless it says the same. */
export const trialEnd = studyTrial
  .pick({
    studyId: true,
    number: true,
    lossNats: true,
    lossStep: true,
    rungLosses: true,
    reason: true,
    work: true,
  })
  .extend({ status: z.enum(trialStatuses).exclude(['planned']) })
export type TrialEnd = z.input<typeof trialEnd>

export const queueEntry = z.strictObject({
  kind: z.enum(['run', 'study']),
  id,
  priority: z.int().min(-10).max(10),
})
export type QueueEntry = z.input<typeof queueEntry>

export const savedView = z.strictObject({ name: line, query: z.record(z.string(), z.json()) })
export type SavedView = z.output<typeof savedView>

export const runMarks = z.strictObject({
  rating: z.int().min(1).max(5).nullable().optional(),
  isPinned: z.boolean().optional(),
  isArchived: z.boolean().optional(),
})
export type RunMarks = z.input<typeof runMarks>

export const runSorts = [
  'created',
  'started',
  'ended',
  'duration',
  'name',
  'project',
  'model',
  'scenario',
  'status',
  'method',
  'learningRate',
  'epochs',
  'batchRows',
  'device',
  'seed',
  'steps',
  'bestLoss',
  'proof',
  'verdict',
  'tags',
  'notes',
  'rating',
] as const
export type RunSort = (typeof runSorts)[number]
/** What the newest proof says, or that there is none. */
export const runVerdicts = [...verdictKinds, 'not-proved'] as const

/** The longest page of runs. */
export const mostListedRuns = 10_000

/** Trials and archived runs too: for what must know of every run. */
export const everyRun = { hasTrials: true, archived: 'with', limit: mostListedRuns } as const

/** Which runs a list shows, in which order, and which page of it. */
export const runQuery = z.strictObject({
  /** Of these runs only; those that are not there any more are left out. */
  runIds: z.array(id).min(1).max(1000).optional(),
  projectId: id.optional(),
  statuses: z.array(z.enum(runStatuses)).min(1).optional(),
  modelId: id.optional(),
  datasetFingerprint: id.optional(),
  scenario: scenarioId.optional(),
  method: z.enum(methodKinds).optional(),
  tag: text.optional(),
  verdict: z.enum(runVerdicts).optional(),
  /** Trials of this study. */
  studyId: id.optional(),
  /** Trials stand in the list like runs; else only runs of their own and those that a person pinned. */
  hasTrials: z.boolean().default(false),
  archived: z.enum(['without', 'only', 'with']).default('without'),
  isPinned: z.boolean().optional(),
  minRating: z.int().min(1).max(5).optional(),
  /** Made before this moment. */
  createdBeforeMs: timeMs.optional(),
  /**
   * Words that name, notes, tags or answers have, all of them, beginnings of words too; or part of the id. Letter case and
   * accents do not matter.
   */
  text: text.max(500).optional(),
  sort: z.enum(runSorts).default('created'),
  order: z.enum(['descending', 'ascending']).default('descending'),
  limit: z.int().min(1).max(mostListedRuns).default(100),
  offset: count.default(0),
})
export type RunQuery = z.input<typeof runQuery>

/** Which events of a run: those after this number, in order, at most so many. */
export const eventPage = z.strictObject({
  afterSeq: count.default(0),
  limit: z.int().min(1).max(100_000).default(100_000),
})

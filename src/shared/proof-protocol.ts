// Messages to and from the scorer and generator processes, and the report that a proof ends in.
import { z } from 'zod'
import { childCommand, childEvents } from './child-protocol.ts'
import { metricName } from './metrics.ts'
import { chatMessage } from './rows.ts'

/** Which model: as it was, or as the run made it. */
export const proofSides = ['base', 'tuned'] as const
export const proofSide = z.enum(proofSides)
export type ProofSide = z.output<typeof proofSide>

/** A folder of the library with the SHA-256 of its weights, which names their copies in the cache. */
export const hashedFolder = z.strictObject({ folder: z.string(), weightsSha256: z.string().length(64) })
export type HashedFolder = z.output<typeof hashedFolder>

/** What a run made of its model: an adapter that is put on it, or a whole model that stands beside it. */
export const tunedKinds = ['adapter', 'model'] as const
export type TunedKind = (typeof tunedKinds)[number]
export const tunedVersion = z.strictObject({ kind: z.enum(tunedKinds), ...hashedFolder.shape })
export type TunedVersion = z.output<typeof tunedVersion>

/** The conversation so far, without the answer. */
const promptRow = z.strictObject({ rowId: z.string(), prompt: z.array(chatMessage) })

// ---- scorer: teacher-forced loss, label likelihood -------------------------------------------------------------

export const scorerJob = z.strictObject({
  /** Folder with model.safetensors, config.json, tokenizer.json, tokenizer_config.json. */
  modelFolder: z.string(),
  /** null scores the base only. */
  tuned: tunedVersion.nullable(),
  /** A folder of this job for the backend's files; the caller removes it afterwards. */
  workFolder: z.string(),
  threads: z.int().min(1).max(256),
  /** Longer rows are left out with a reason. */
  maxTokens: z.int().min(16),
  rows: z.array(z.strictObject({ ...promptRow.shape, answer: z.string() })),
  /** The answers to choose from, where the answer is a label; null measures the loss alone. */
  labels: z.array(z.string()).min(2).nullable(),
})
export type ScorerJob = z.output<typeof scorerJob>

export const scorerCommand = childCommand(scorerJob)

/** What one model thinks of one row. */
export const sideScore = z.strictObject({
  /** Sum of the cross-entropy of the expected answer's tokens (with its end-of-turn), in nats. */
  lossNats: z.number(),
  /** log P(label | prompt) in nats for every label, in the order of the job; null where no labels were asked for. */
  labelLogProbs: z.array(z.number()).nullable(),
})
export const rowScore = z.strictObject({
  rowId: z.string(),
  /** Tokens of the expected answer. */
  answerTokens: z.int(),
  /** Tokens of every label's answer, in the order of the job. */
  labelTokens: z.array(z.int()).nullable(),
  base: sideScore,
  tuned: sideScore.nullable(),
})
export type RowScore = z.output<typeof rowScore>

const phaseEvent = z.strictObject({
  kind: z.literal('phase'),
  phase: z.enum(['loading', 'preparing', 'working']),
})

export const scorerEvent = z.discriminatedUnion('kind', [
  ...childEvents,
  phaseEvent,
  z.strictObject({
    kind: z.literal('plan'),
    rows: z.int(),
    leftOut: z.array(z.strictObject({ rowId: z.string(), reason: z.string() })),
    backend: z.string(),
  }),
  z.strictObject({ kind: z.literal('scores'), rows: z.array(rowScore), done: z.int(), total: z.int() }),
  z.strictObject({ kind: z.literal('finished'), rows: z.int() }),
])
export type ScorerEvent = z.output<typeof scorerEvent>

// ---- generator: greedy answers ----------------------------------------------------------------------------------

export const generatorJob = z.strictObject({
  model: hashedFolder,
  /** Needed where `sides` asks for `tuned`. */
  tuned: tunedVersion.nullable(),
  /** Where GGUF copies of models and adapters are kept, named by their content. */
  cacheFolder: z.string(),
  threads: z.int().min(1).max(256),
  /** Answers written side by side. */
  sequences: z.int().min(1).max(64),
  /** An answer that has not ended by then is cut and marked. */
  maxAnswerTokens: z.int().min(1),
  sides: z.array(proofSide).min(1),
  rows: z.array(promptRow),
})
export type GeneratorJob = z.output<typeof generatorJob>
export const generatorCommand = childCommand(generatorJob)

export const generatedAnswer = z.strictObject({
  rowId: z.string(),
  side: proofSide,
  text: z.string(),
  tokenIds: z.array(z.int()),
  ended: z.enum(['end-of-turn', 'token-limit']),
})
export type GeneratedAnswer = z.output<typeof generatedAnswer>

export const generatorEvent = z.discriminatedUnion('kind', [
  ...childEvents,
  phaseEvent,
  z.strictObject({ kind: z.literal('answer'), answer: generatedAnswer, done: z.int(), total: z.int() }),
  z.strictObject({ kind: z.literal('finished'), answers: z.int() }),
])
export type GeneratorEvent = z.output<typeof generatorEvent>

// ---- the report ---------------------------------------------------------------------------------------------------

/** A value with its 95 % interval. */
export const interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() })
export type Interval = z.output<typeof interval>

/** A figure of both models on the same rows; `difference` is tuned minus base. */
const bothSides = { base: interval, tuned: interval, difference: interval }

/** One metric for both models. */
export const comparison = z.strictObject({
  metric: metricName,
  /** null where neither direction is better in itself. */
  isHigherBetter: z.boolean().nullable(),
  /** Rows that the metric says something about, where these are not all. */
  rows: z.int().optional(),
  ...bothSides,
})
export type Comparison = z.output<typeof comparison>

export const verdictKinds = ['better', 'worse', 'no-measurable-difference'] as const
export const verdict = z.strictObject({ kind: z.enum(verdictKinds), sentence: z.string() })
export type Verdict = z.output<typeof verdict>

/** What came of a program and its tests, in words where it did not pass. */
const runOutcome = z.strictObject({ passed: z.boolean(), reason: z.string().nullable() })

const answerOf = z.strictObject({
  /** What the model answered: the most likely label, or its greedy text; null where only the loss was measured. */
  text: z.string().nullable(),
  lossNats: z.number(),
  /** The row's score for every metric that has one. */
  scores: z.partialRecord(metricName, z.number()),
  labelLogProbs: z.array(z.number()).nullable(),
  /** log P divided by the label's tokens: kept for inspection, the choice is made by the sum. */
  labelLogProbsPerToken: z.array(z.number()).nullable(),
  /** True where the answer was cut at the token limit. */
  isCut: z.boolean(),
  /** Where the answer is a program that was tried out. */
  run: runOutcome.nullable().default(null),
})
export const rowAnswer = z.strictObject({
  rowId: z.string(),
  prompt: z.array(chatMessage),
  expected: z.string(),
  answerTokens: z.int(),
  base: answerOf,
  tuned: answerOf,
})
export type RowAnswer = z.output<typeof rowAnswer>

const labelSide = z.strictObject({
  precision: z.number(),
  recall: z.number(),
  f1: z.number(),
  predicted: z.int(),
})
export const labelTable = z.strictObject({
  labels: z.array(z.string()),
  rows: z.array(z.strictObject({ label: z.string(), support: z.int(), base: labelSide, tuned: labelSide })),
  /** Confusion matrices: row = expected, column = answered, in the order of `labels`. */
  base: z.array(z.array(z.int())),
  tuned: z.array(z.array(z.int())),
})

/** Kinds of entities, each counted by itself. */
const kindTable = z.array(
  z.strictObject({ kind: z.string(), support: z.int(), base: labelSide, tuned: labelSide }),
)

/** Part of the test set by the length of what was read, in words; the deciding metric in it. */
const lengthBucket = z.strictObject({
  name: z.enum(['short', 'middle', 'long']),
  fromWords: z.int(),
  toWords: z.int(),
  rows: z.int(),
  ...bothSides,
})
export type LengthBucket = z.output<typeof lengthBucket>

/** Answers given with a confidence from `from` to `to`: how sure the model was on average, and how often it was right. */
const confidenceBin = z.strictObject({
  from: z.number(),
  to: z.number(),
  answers: z.int(),
  confidence: z.number(),
  right: z.number(),
})
const confidenceTable = z.strictObject({ base: z.array(confidenceBin), tuned: z.array(confidenceBin) })

const metricValue = z.strictObject({ metric: metricName, ...interval.shape })

export const proofReport = z.strictObject({
  version: z.literal(1),
  /** Test rows that were measured; the turns of a conversation are one. */
  rows: z.int(),
  leftOut: z.array(z.strictObject({ rowId: z.string(), reason: z.string() })),
  /**
   * What the base side is: the model before the training, or, where that can name nothing, the class whose mean state is
   * nearest in it.
   */
  beside: z.enum(['model', 'nearest-class']).optional(),
  /**
   * The deciding metric of what can be answered without any model: always the label that most training rows have, or the
   * names that training rows marked. Left out where nothing trivial answers, and in proofs of before.
   */
  trivial: z
    .strictObject({
      kind: z.enum(['most-frequent-label', 'known-names']),
      label: z.string().nullable(),
      ...interval.shape,
    })
    .optional(),
  /** The metric that decides the verdict. */
  metric: metricName,
  baseline: metricValue,
  tuned: metricValue,
  difference: interval,
  verdict,
  /** Every metric of the scenario that could be measured; the deciding one is the first with a direction. */
  comparisons: z.array(comparison),
  /** How metrics were computed that are defined in several ways, in the words of their reference programs. */
  methods: z.partialRecord(metricName, z.string()).default({}),
  labels: labelTable.nullable(),
  kinds: kindTable.default([]),
  lengths: z.array(lengthBucket).default([]),
  confidence: confidenceTable.nullable().default(null),
  answers: z.array(rowAnswer),
  /** How the intervals were made. */
  intervals: z.strictObject({ method: z.string(), resamples: z.int(), seed: z.int(), level: z.number() }),
  backend: z.string(),
  /** Whole proof, and its parts. */
  seconds: z.number(),
  scoringSeconds: z.number(),
  answeringSeconds: z.number(),
})
export type ProofReport = z.output<typeof proofReport>

/** A proof without its rows: what the journal keeps in one piece. */
export const proofSummary = proofReport.omit({ answers: true })
export type ProofSummary = z.output<typeof proofSummary>

// The recipe: everything that decides a run. Wizard and terminal both end here; the same recipe gives the same run.
import { z } from 'zod'
import { language } from './contract/system.ts'
import { fixId } from './data-fixes.ts'
import { deviceId } from './devices.ts'
import { isVisible } from './fields.ts'

export const scenarioIds = [
  'classification',
  'question-answering',
  'translation',
  'summarisation',
  'entity-recognition',
  'chatbot',
  'creative-writing',
  'code',
  'domain',
] as const
export const scenarioId = z.enum(scenarioIds)
export type ScenarioId = z.infer<typeof scenarioId>

/** The linear layers of a transformer block that LoRA can adapt, by their Hugging Face names. */
export const linearNames = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const
export type LinearName = (typeof linearNames)[number]

const positive = z.number().positive()
const wholePositive = z.int().positive()
const share = z.number().min(0).max(1)

/**
 * `lora` trains an adapter, `full` the model's own weights, `head` a new last layer that names classes; `lora-head` and
 * `full-head` that layer and the other (method-parts.ts).
 */
export const methodKinds = ['lora', 'full', 'head', 'lora-head', 'full-head'] as const

export const trainingMethod = z.strictObject({
  kind: z.enum(methodKinds).default('lora'),
  /** Width of the adapter's bottleneck, r in Hu et al. 2021. */
  rank: z.int().min(1).max(512).default(8),
  /** The adapter's output is scaled by alpha / rank, or by alpha / sqrt(rank) (see `scaling`). */
  alpha: positive.default(16),
  targets: z
    .array(z.enum(linearNames))
    .min(1)
    .default([...linearNames]),
  /** Train only the uppermost so many blocks; null trains all of them. */
  topLayers: wholePositive.nullable().default(null),
  /** `rank-stabilised`: rsLoRA (Kalajdzievski 2023). */
  scaling: z.enum(['standard', 'rank-stabilised']).default('standard'),
  /** DoRA (Liu et al. 2024): direction and size of each row of weights are learnt apart. */
  decomposed: z.boolean().default(false),
  /** How the frozen weights are kept in memory: as they are, or in 8 or 4 bits (QLoRA, Dettmers et al. 2023). */
  base: z.enum(['float', 'int8', 'int4', 'nf4']).default('float'),
})

export const optimizerSettings = z.strictObject({
  kind: z.enum(['adamw', 'adamw-8bit', 'adafactor', 'lion', 'sgd']).default('adamw'),
  learningRate: positive.max(1).default(2e-4),
  /** For sgd the momentum; adafactor has none. */
  beta1: z.number().min(0).max(0.9999).default(0.9),
  beta2: z.number().min(0).max(0.99999).default(0.999),
  epsilon: positive.default(1e-8),
  weightDecay: z.number().min(0).max(1).default(0.01),
  /** Global L2 norm that gradients are clipped to; null means no clipping. */
  clipNorm: positive.nullable().default(1),
  /** Each block below the topmost learns at this factor of the rate of the block above it; 1 treats all alike. */
  layerDecay: z.number().min(0.1).max(1).default(1),
})

export const regularisationSettings = z.strictObject({
  /** NEFTune (Jain et al. 2023): noise on the embeddings, alpha / sqrt(tokens x width); null for none. */
  neftuneAlpha: positive.max(100).nullable().default(null),
  /** Share of each target that is spread over all tokens or labels (Szegedy et al. 2016). */
  labelSmoothing: z.number().min(0).max(0.5).default(0),
  /** Decay of the moving average of the weights, which is then measured and kept; null keeps the weights themselves. */
  averaging: z.number().min(0.5).max(0.99999).nullable().default(null),
})

export const scheduleSettings = z.strictObject({
  kind: z.enum(['constant', 'linear', 'cosine']).default('cosine'),
  /** Share of all optimizer steps spent warming up linearly from 0. */
  warmupShare: share.default(0.05),
})

export const batchSettings = z.strictObject({
  /** Rows that go through the model at once. */
  microRows: z.int().min(1).max(4096).default(8),
  /** Micro-batches summed before one optimizer step; effective batch = microRows x accumulation. */
  accumulation: z.int().min(1).max(4096).default(1),
  /** Longer rows are left out with a reason, never cut silently. */
  maxTokens: z.int().min(16).max(131_072).default(512),
  /** Of the rows at once so many are computed at a time; null: all. Less memory, more time, the same steps. */
  rowsAtOnce: wholePositive.nullable().default(null),
  /**
   * Rows go through the model one behind the other without padding, each seeing only itself. Counts for nothing where
   * rows are two texts each (T5), or one text's mean is taken.
   */
  packing: z.boolean().default(true),
})

export const durationSettings = z.strictObject({
  epochs: positive.max(1000).default(3),
  /** Stops earlier than the epochs say; null means no such limit. */
  maxSteps: wholePositive.nullable().default(null),
})

export const evaluationSettings = z.strictObject({
  /** Optimizer steps between two measurements on validation rows; null means about eight measurements a run. */
  everySteps: wholePositive.nullable().default(null),
  /** After these shares of all steps, rounded up, and at the end, in place of "every"; null goes by `everySteps`. */
  atShares: z.array(z.number().gt(0).max(1)).min(1).max(50).nullable().default(null),
  /** Validation rows that are measured, the same ones for every seed: spread over all; null measures all of them. */
  mostRows: wholePositive.nullable().default(null),
  /** Measurements without improvement before the run stops early; null never stops early. */
  patience: wholePositive.nullable().default(3),
  /** Improvement smaller than this many nats does not count. */
  minImprovementNats: z.number().min(0).default(0.001),
})

export const checkpointSettings = z.strictObject({
  everySeconds: positive.nullable().default(120),
  everySteps: wholePositive.nullable().default(null),
  keepLast: z.int().min(1).max(100).default(3),
})

const stageShape = {
  epochs: positive.max(1000).default(1),
  /** Null takes the run's own. */
  learningRate: positive.max(1).nullable().default(null),
}

const trainingShape = {
  scenario: scenarioId,
  /** What the model is told before every example, in the user's language; null takes the scenario's own. */
  instruction: z.string().max(8000).nullable().default(null),
  method: trainingMethod.prefault({}),
  optimizer: optimizerSettings.prefault({}),
  regularisation: regularisationSettings.prefault({}),
  schedule: scheduleSettings.prefault({}),
  batch: batchSettings.prefault({}),
  duration: durationSettings.prefault({}),
  evaluation: evaluationSettings.prefault({}),
  checkpoints: checkpointSettings.prefault({}),
  /** Recompute activations layer by layer: less memory, more time. */
  gradientCheckpointing: z.boolean().default(true),
  /** Where only upper blocks or a head are trained: what the frozen blocks below give is computed once and kept on disk. */
  reuseFrozenLayers: z.boolean().default(false),
  seed: z.int().min(0).max(4_294_967_295).default(42),
  /** Processor threads for the numerics; null takes the number of physical cores. Same bits only for the same number. */
  threads: z.int().min(1).max(256).nullable().default(null),
}

/** What a person writes: a model and a data file by name, everything else optional. */
export const recipeDraft = z.strictObject({
  model: z.string().min(1),
  data: z.strictObject({
    path: z.string().min(1),
    /** Column of the file for each role of the scenario, e.g. { text: "message", label: "team" }; null guesses. */
    columns: z.record(z.string(), z.string()).nullable().default(null),
    validationShare: share.default(0.15),
    testShare: share.default(0.2),
    splitSeed: z.int().min(0).max(4_294_967_295).default(7),
    /** Further files with the same columns, read after it as if they were one. */
    morePaths: z.array(z.string().min(1)).max(1000).default([]),
    /** Repairs of rows, done in this order. */
    fixes: z.array(fixId).max(20).default([]),
    /** Column whose equal values stay on one side of the split; null for none. */
    groupColumn: z.string().max(500).nullable().default(null),
  }),
  /** A first stage on texts of the field, packed and with every token a target, before the examples; null for none. */
  before: z
    .strictObject({
      path: z.string().min(1),
      /** Column that holds the text, { text: "body" }; null guesses. */
      columns: z.record(z.string(), z.string()).nullable().default(null),
      ...stageShape,
    })
    .nullable()
    .default(null),
  name: z.string().max(200).refine(isVisible, 'expected a name that can be seen').nullable().default(null),
  /** Language of the scenario's own instruction. */
  language: language.default('en'),
  ...trainingShape,
  /** What computes it; null takes the pinned one, or else the fastest measured one. */
  device: deviceId.nullable().default(null),
})
export type RecipeDraft = z.output<typeof recipeDraft>

/** What a run is: the draft with model and data replaced by what they were, byte for byte. */
export const recipe = z.strictObject({
  version: z.literal(1),
  model: z.strictObject({ id: z.string(), weightsSha256: z.string().length(64) }),
  data: z.strictObject({ fingerprint: z.string() }),
  before: z
    .strictObject({ fingerprint: z.string(), ...stageShape })
    .nullable()
    .default(null),
  ...trainingShape,
  instruction: z.string().max(8000),
  threads: wholePositive,
  /** What it was begun on. It may go on elsewhere: no part of what a checkpoint belongs to. */
  device: deviceId.default('cpu'),
})
export type Recipe = z.output<typeof recipe>

/** One fault: where it lies, and "expected a whole number from 1 to 512, got 0". */
export interface InputFault {
  readonly where: string
  readonly message: string
}

/** Every fault that zod found, in the order of the schema. */
export const describeIssues = (error: z.ZodError): InputFault[] =>
  error.issues.map((issue) => ({
    where: issue.path.map(String).join('.') || 'recipe',
    message: wordIssue(issue),
  }))

/** The first fault that zod found. */
export const describeIssue = (error: z.ZodError): InputFault =>
  describeIssues(error)[0] ?? { where: 'recipe', message: 'not valid' }

function wordIssue(issue: z.core.$ZodIssue): string {
  const got = wordInput(issue)
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeWords[issue.expected] ?? issue.expected}${got}`
    case 'too_small':
      return `expected ${sizeWords(issue.origin)}${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${got}`
    case 'too_big':
      return `expected ${sizeWords(issue.origin)}${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${got}`
    case 'invalid_value':
      return `expected ${listChoices(issue.values.map(String))}${got}`
    case 'unrecognized_keys':
      return `there is no setting called ${issue.keys.join(', ')}`
    default:
      return issue.message
  }
}

/** "a", "a or b", "a, b or c". */
const listChoices = (choices: readonly string[]): string =>
  choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`

/** What came instead, where zod was asked to report the input; that it is missing is said without. */
function wordInput(issue: z.core.$ZodIssue): string {
  const isReported = 'input' in issue
  const isMissing = isReported ? issue.input === undefined : issue.message.endsWith('undefined')
  if (isMissing) return ', but it is missing'
  return isReported ? `, got ${shorten(issue.input)}` : ''
}

/** Texts and lists are limited by their length, numbers by themselves. */
const sizeWords = (origin: string): string =>
  origin === 'string' || origin === 'array' ? 'a length of ' : ''

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'settings below it',
  array: 'a list',
}

const shorten = (value: unknown): string => {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

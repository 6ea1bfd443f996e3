// What came of a run: the proof and its answers, the exports, and the table of every run there was.
import { z } from 'zod'
import { exportForms } from '../export-forms.ts'
import { count, timeMs } from '../fields.ts'
import { mostListedRuns, runMarks, runQuery, savedView } from '../journal-commands.ts'
import { runSummary } from '../journal-types.ts'
import { metricName } from '../metrics.ts'
import { problem } from '../problem-schema.ts'
import { interval, proofSummary, verdictKinds } from '../proof-protocol.ts'
import { wordLimits } from '../word-limits.ts'
import { call, id, lookedIntoJournal as journal, nothing, page, started } from './define.ts'

// ---- proof --------------------------------------------------------------------------------------------------------

export const proofView = z.strictObject({
  runId: id,
  runName: z.string(),
  projectId: id,
  projectName: z.string(),
  /** What the model should do, in the person's words; empty where nothing was written. */
  goal: z.string(),
  scenario: z.string(),
  modelId: z.string(),
  summary: proofSummary.nullable(),
  provedAtMs: timeMs.nullable(),
  /** Proofs that had been measured on the same locked rows before this one, or before one that is started now. */
  earlierProofs: count,
  /** How often the locked rows were opened, by all runs. */
  openingsOfData: count,
  /** null where a proof can be started; else why not. */
  cannotProve: z.string().nullable(),
  testRows: count,
})
export type ProofView = z.output<typeof proofView>

const answerSide = z.strictObject({
  text: z.string(),
  lossNats: z.number().nullable(),
  /** The row's score by the deciding metric; null where a row has none by itself. */
  score: z.number().nullable(),
  isCut: z.boolean(),
})
export const proofAnswer = z.strictObject({
  rowId: z.string(),
  /** What the model read, without the instruction; null where the data set is no longer on this computer. */
  prompt: z.string().nullable(),
  expected: z.string(),
  base: answerSide,
  tuned: answerSide,
  /** Tuned minus base by the deciding score, else base loss minus tuned loss: positive is better. */
  gain: z.number(),
  closest: z.strictObject({ text: z.string(), answer: z.string(), similarity: z.number() }).nullable(),
})
export type ProofAnswer = z.output<typeof proofAnswer>
export const answerViews = ['changed', 'worst', 'best', 'all'] as const

// ---- use it -------------------------------------------------------------------------------------------------------

export const exportItem = z.strictObject({
  id,
  runId: id,
  kind: z.enum(['adapter', 'model', 'gguf']),
  name: z.string(),
  /** Where it lies, for reading. */
  place: z.string(),
  bytes: count,
  files: z.array(z.strictObject({ name: z.string(), bytes: count })),
  createdAtMs: timeMs,
  /** What was done to check it, and what came of it. */
  check: z.strictObject({ isGood: z.boolean(), sentence: z.string() }),
  isThere: z.boolean(),
  /** Files that are missing or are not what was written. */
  changed: z.array(z.string()),
})
export type ExportItem = z.output<typeof exportItem>

/** What a new last layer makes of a text: one of the two, the other is null. */
export const namedText = z.strictObject({
  /** Every label, the likeliest first. */
  labels: z.array(z.strictObject({ label: z.string(), probability: z.number() })).nullable(),
  /** Names in the order of the text; places in UTF-16 units. */
  names: z.array(z.strictObject({ kind: z.string(), start: count, end: count })).nullable(),
})
export type NamedText = z.output<typeof namedText>

// ---- experiments --------------------------------------------------------------------------------------------------

export const experimentRow = runSummary.extend({
  /** Its number in the project where its name does not tell it apart (`runLabel`). */
  number: count.nullable(),
  notes: z.string(),
  method: z.string(),
  rank: count.nullable(),
  learningRate: z.number().nullable(),
  epochs: z.number().nullable(),
  batchRows: count.nullable(),
  /** What it was begun on, as its recipe names it; null for a recipe that names none. */
  device: z.string().nullable(),
  durationMs: z.number().nullable(),
  proof: z
    .strictObject({
      metric: metricName,
      tuned: interval,
      base: interval,
      verdict: z.enum(verdictKinds),
      provedAtMs: timeMs,
    })
    .nullable(),
})
export type ExperimentRow = z.output<typeof experimentRow>

export const settingComparison = z.strictObject({
  path: z.string(),
  values: z.array(z.json()),
  isDifferent: z.boolean(),
})

const ofRun = z.strictObject({ runId: id })

export const lineageNode = z.strictObject({
  id,
  kind: z.enum(['project', 'dataset', 'run', 'study', 'export', 'foreign']),
  name: z.string(),
  atMs: timeMs.nullable(),
  /** One short line: a status, a loss, a verdict. */
  detail: z.string(),
})
export type LineageNode = z.output<typeof lineageNode>
/** Read as a sentence: `from` "was trained on" `to`. */
export const lineageEdge = z.strictObject({
  from: id,
  to: id,
  kind: z.enum([
    'trained-on',
    'read-first',
    'trial-of',
    'retried-from',
    'repeats',
    'winner-of',
    'imported-from',
    'exported-as',
  ]),
})
export type LineageEdge = z.output<typeof lineageEdge>

/** What was tried and what came of it, the newest first. A search stands for its trials. */
export const timelineEntry = z.strictObject({
  atMs: timeMs,
  kind: z.enum(['run', 'study']),
  id,
  title: z.string(),
  projectId: id,
  projectName: z.string(),
  /** The run that it is set against: the one it says it came from, else the one before it in the project; null for the first. */
  beside: z.strictObject({ runId: id, name: z.string() }).nullable(),
  /** Settings other than those of `beside`, with both values: its own second. */
  changes: z.array(settingComparison),
  isOtherData: z.boolean(),
  isOtherModel: z.boolean(),
  /** Settings that a search looked through, by path; empty for a run, whose changes say it. */
  searched: z.array(z.string()),
  /** What came of it, a sentence each. Nothing is called better or worse without an interval. */
  learned: z.array(z.string()),
  /** The person's own words; empty where there are none. */
  words: z.string(),
})
export type TimelineEntry = z.output<typeof timelineEntry>

export const resultCalls = {
  'proof.get': call(z.strictObject({ runId: id, journal }), proofView),
  'proof.start': call(ofRun, started),
  'proof.answers': call(
    z.strictObject({
      runId: id,
      journal,
      view: z.enum(answerViews).default('changed'),
      text: z.string().max(500).default(''),
      ...page,
    }),
    z.strictObject({ answers: z.array(proofAnswer), total: count }),
  ),
  'export.start': call(z.strictObject({ runId: id, form: z.enum(exportForms) }), started),
  /** `forms`: in which this run can be exported, the most usual one first. */
  'export.list': call(
    ofRun,
    z.strictObject({ exports: z.array(exportItem), forms: z.array(z.enum(exportForms)) }),
  ),
  'predict.text': call(z.strictObject({ runId: id, text: z.string().min(1).max(100_000) }), namedText),
  'experiments.list': call(
    runQuery.extend({ journal }),
    z.strictObject({ rows: z.array(experimentRow), total: count }),
  ),
  'experiments.facets': call(
    z.strictObject({ journal }),
    z.strictObject({
      /** What the list shows without a filter: neither trials of searches, unless pinned, nor what is archived. */
      runs: count,
      trials: count,
      archived: count,
      tags: z.array(z.string()),
      projects: z.array(z.strictObject({ id, name: z.string() })),
      models: z.array(z.strictObject({ id, name: z.string() })),
    }),
  ),
  'experiments.edit': call(
    z.strictObject({
      runId: id,
      name: z.string().min(1).max(wordLimits.name).optional(),
      notes: z.string().max(wordLimits.notes).optional(),
      tags: z.array(z.string().min(1).max(wordLimits.tag)).max(wordLimits.tags).optional(),
      ...runMarks.shape,
    }),
    experimentRow,
  ),
  /** Where a run comes from and what came of it. */
  'experiments.lineage': call(
    z.strictObject({ runId: id, journal }),
    z.strictObject({
      nodes: z.array(lineageNode),
      edges: z.array(lineageEdge),
      /** More belong to it than are shown. */
      isCut: z.boolean(),
    }),
  ),
  'experiments.timeline': call(
    z.strictObject({ projectId: id.optional(), journal, ...page }),
    z.strictObject({ entries: z.array(timelineEntry), total: count }),
  ),
  'experiments.views': call(nothing, z.strictObject({ views: z.array(savedView) })),
  /** Keeps a view under its name, in place of one that has it. */
  'experiments.saveView': call(savedView, z.strictObject({ views: z.array(savedView) })),
  'experiments.removeView': call(
    z.strictObject({ name: z.string().max(500) }),
    z.strictObject({ views: z.array(savedView) }),
  ),
  /** Moves the runs' folders to the system's bin and takes them out of every list; one that fails does not stop the rest. */
  'experiments.remove': call(
    z.strictObject({ runIds: z.array(id).min(1).max(mostListedRuns) }),
    z.strictObject({ removed: count, failed: z.array(z.strictObject({ runId: id, problem })) }),
  ),
} as const

export const resultEvents = {
  'experiments.changed': z.strictObject({ runId: id.nullable() }),
} as const

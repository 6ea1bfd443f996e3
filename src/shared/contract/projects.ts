// Projects: a goal, its files, and how far the wizard has come. The draft is kept with every change.
import { z } from 'zod'
import { fixId } from '../data-fixes.ts'
import { count, text, timeMs } from '../fields.ts'
import { journalProject, runSummary } from '../journal-types.ts'
import { metricName } from '../metrics.ts'
import { problem } from '../problem-schema.ts'
import { interval, verdictKinds } from '../proof-protocol.ts'
import { scenarioId } from '../recipe.ts'
import { call, id, nothing } from './define.ts'
import { language } from './system.ts'

export { type FixId, fixId, fixIds } from '../data-fixes.ts'

export const presetIds = ['quick', 'balanced', 'thorough'] as const
export const presetId = z.enum(presetIds)
export type PresetId = z.output<typeof presetId>

/** Recipe fields that a person changed, by path ("method.rank"), over what the preset says. */
export const settingChanges = z.record(z.string().max(80), z.json())

export const projectFile = z.strictObject({ name: z.string(), sizeBytes: count, isSample: z.boolean() })

export const projectDraft = z.strictObject({
  /** Language of the instruction and of the person's texts. */
  language: language.default('en'),
  /** What the model is told before every example; null takes the scenario's own words. */
  instruction: text.max(8000).nullable().default(null),
  /** Column for each role; null guesses. */
  columns: z.record(z.string().max(60), z.string().max(500)).nullable().default(null),
  validationShare: z.number().min(0).max(0.9).default(0.15),
  testShare: z.number().min(0).max(0.9).default(0.2),
  splitSeed: z.int().min(0).max(4_294_967_295).default(7),
  /** Column whose equal values stay on one side of the split (customer, document); null for none. */
  groupColumn: z.string().max(500).nullable().default(null),
  /** Repairs in the order they were chosen. */
  fixes: z.array(fixId).max(20).default([]),
  /** Column that holds the texts of the first stage; null guesses. */
  beforeColumn: z.string().max(500).nullable().default(null),
  modelId: id.nullable().default(null),
  preset: presetId.default('balanced'),
  changes: settingChanges.default({}),
  /** The step to open next. */
  step: z.enum(['goal', 'data', 'model', 'advice', 'plan']).default('goal'),
})
export type ProjectDraft = z.output<typeof projectDraft>

export const bestResult = z.strictObject({
  runId: id,
  verdict: z.enum(verdictKinds),
  metric: metricName,
  tuned: interval,
  base: interval,
})

export const projectCard = z.strictObject({
  project: journalProject,
  runs: count,
  rows: count.nullable(),
  lastActivityMs: timeMs,
  best: bestResult.nullable(),
  activeRunId: id.nullable(),
  hasSample: z.boolean(),
})
export type ProjectCard = z.output<typeof projectCard>

export const projectDetail = z.strictObject({
  project: journalProject,
  draft: projectDraft,
  files: z.array(projectFile),
  /** Texts of the field, read before the rows are learnt; null where there are none. */
  before: projectFile.nullable(),
  /** Newest first, at most 50. */
  runs: z.array(runSummary),
})
export type ProjectDetail = z.output<typeof projectDetail>

/** What a scenario's card and wizard need to know; the words stand in the renderer's message files by id. */
export const scenarioFacts = z.strictObject({
  id: scenarioId,
  title: z.string(),
  description: z.string(),
  brings: z.string(),
  before: z.string(),
  after: z.string(),
  roles: z.array(
    z.strictObject({
      name: z.string(),
      title: z.string(),
      help: z.string(),
      isRequired: z.boolean(),
      kind: z.string(),
    }),
  ),
  metrics: z.array(metricName),
  sample: z.strictObject({
    fileName: z.string(),
    rows: count,
    /** As its plan would say; null where this computer's speed would be a guess. */
    time: z.strictObject({ lowSeconds: z.number(), highSeconds: z.number() }).nullable(),
  }),
})
export type ScenarioFacts = z.output<typeof scenarioFacts>

export const projectCalls = {
  'scenarios.list': call(nothing, z.strictObject({ scenarios: z.array(scenarioFacts) })),
  'projects.list': call(nothing, z.strictObject({ projects: z.array(projectCard) })),
  'projects.create': call(
    z.strictObject({
      name: text.min(1).max(200),
      scenario: scenarioId,
      goal: text.max(2000).default(''),
      language: language.default('en'),
      /** Puts the scenario's sample rows into the project. */
      withSample: z.boolean().default(false),
    }),
    projectDetail,
  ),
  'projects.get': call(z.strictObject({ projectId: id }), projectDetail),
  'projects.rename': call(
    z.strictObject({ projectId: id, name: text.min(1).max(200), goal: text.max(2000) }),
    projectDetail,
  ),
  /** Replaces the draft; only what is left out of it takes its default. */
  'projects.saveDraft': call(z.strictObject({ projectId: id, draft: projectDraft }), projectDetail),
  'projects.addSample': call(z.strictObject({ projectId: id }), projectDetail),
  'projects.removeFile': call(z.strictObject({ projectId: id, name: z.string() }), projectDetail),
  /** Moves the file with the texts of the first stage to the bin. */
  'projects.removeBefore': call(z.strictObject({ projectId: id }), projectDetail),
  /**
   * Moves the project's runs, each by itself, then its files to the system's bin and hides it. Where a run failed the
   * project stays, with its files. `run.active` while anything of it is at work: then nothing is moved.
   */
  'projects.remove': call(
    z.strictObject({ projectId: id }),
    z.strictObject({
      removed: count,
      failed: z.array(z.strictObject({ runId: id, name: z.string(), problem })),
    }),
  ),
} as const
export const projectEvents = { 'projects.changed': z.strictObject({ projectId: id }) } as const

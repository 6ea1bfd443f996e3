// Searches over settings ("studies"), from the question how hard to search to what the search found; and the one queue
// that runs and trials wait in.
import { z } from 'zod'
import { count, text, timeMs } from '../fields.ts'
import { problem } from '../problem-schema.ts'
import {
  dimension,
  fewestSeeds,
  journalStudy,
  livingStudy,
  mostOfStudy,
  pruning,
  samplerKinds,
  schedule,
  searchSpace,
  studiedSettings,
  studyBudget,
  studyTrial,
} from '../study.ts'
import { call, id, lookedIntoJournal as journal, nothing } from './define.ts'
import { presetId, settingChanges } from './projects.ts'

export const searchEfforts = ['short', 'night', 'thorough'] as const
export const searchEffort = z.enum(searchEfforts)
export type SearchEffort = z.output<typeof searchEffort>

/** A range that is proposed, with the plain reason for it; the words of the setting itself stand with the plan's. */
export const proposedDimension = z.strictObject({ dimension, isIncluded: z.boolean(), reason: z.string() })

/** What a search would be, before it begins. */
export const studyPlan = z.strictObject({
  effort: searchEffort,
  dimensions: z.array(proposedDimension),
  sampler: z.enum(samplerKinds),
  budget: studyBudget,
  /** Trials that the budget allows, about; null where a trial's time is not known. */
  trials: z.strictObject({ low: count, high: count }).nullable(),
  /** A trial that goes to its end. */
  trialSeconds: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  /** At work in all, with the runs that confirm; null where a trial's time decides and is not known. */
  workSeconds: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  /** Earlier results of this project that it begins from. */
  priors: count,
  confirmSeeds: count,
  /** Trials at the same time: one on each graphics card, as far as the computer's own memory holds them. */
  parallel: count,
  /** What will happen, and what it costs. */
  sentences: z.array(z.string()),
  blocking: problem.nullable(),
})
export type StudyPlan = z.output<typeof studyPlan>

const studyChoice = {
  projectId: id,
  preset: presetId,
  changes: settingChanges,
  effort: searchEffort.default('night'),
  /** Left out, what the effort proposes. */
  space: searchSpace.optional(),
  sampler: z.enum(samplerKinds).optional(),
  budget: studyBudget.optional(),
  isPruned: z.boolean().default(true),
  seed: z.int().min(0).max(mostOfStudy.seed).default(42),
  /** 0 or 1: the best trial is not computed again. */
  confirmSeeds: z
    .int()
    .min(0)
    .max(mostOfStudy.confirmSeeds)
    .refine((seeds) => seeds <= 1 || seeds >= fewestSeeds, `expected 0, or at least ${fewestSeeds}`)
    .optional(),
  usesEarlierResults: z.boolean().default(true),
  /** Left out, it works at any time. */
  schedule: schedule.nullable().default(null),
}

export const studyCard = z.strictObject({
  ...journalStudy.omit({ spec: true }).shape,
  /** Of another journal: how it stood, not at its end, when that was last written; null for any other. */
  stood: livingStudy.nullable().default(null),
  sampler: z.enum(samplerKinds),
  budget: studyBudget,
  /** Of the search itself. */
  trials: z.strictObject({
    complete: count,
    pruned: count,
    skipped: count,
    failed: count,
    stopped: count,
    planned: count,
  }),
  /** Runs that train the plan and the best settings again with other seeds and have ended, however they did. */
  confirming: count,
  /** Runs that are to confirm in all; 0 where it was told to do without. */
  confirmingPlanned: count.default(0),
  /** Trials of another journal whose losses are damaged, or not what their runs measured: the best one may be among them. */
  leftOut: count.default(0),
  best: z
    .strictObject({
      number: count,
      /** By which it was chosen: the lowest of many is lower by luck too. */
      lossNats: z.number(),
      settings: studiedSettings,
      /** Of its runs that confirm and came to their end, once they are enough to be compared; null before. */
      mean: z.strictObject({ lossNats: z.number(), seeds: count }).nullable().default(null),
    })
    .nullable(),
  /** Why nothing is computed at the moment, in one sentence; null while a trial runs and at the end. */
  waiting: z.string().nullable(),
  timeLeftMs: z.number().nullable(),
  doneShare: z.number().nullable(),
})
export type StudyCard = z.output<typeof studyCard>

/** How much of the loss's differences a setting explains (fANOVA, Hutter et al. 2014), and whether that is more than chance. */
export const settingImportance = z.strictObject({
  path: z.string(),
  /** 0 to 1, all settings together at most 1. */
  share: z.number(),
  /** Loss between the best and the worst value of this setting alone, in mean over all others. */
  effectNats: z.number(),
  /** The effect is not larger than what another seed alone changes, or than what shuffled results give. */
  isNoise: z.boolean(),
})
export const importanceReading = z.strictObject({
  settings: z.array(settingImportance),
  /** Standard deviation between seeds of the same recipe, and how many runs it is from; null where none were repeated. */
  seedNoise: z.strictObject({ sdNats: z.number(), runs: count }).nullable(),
  trials: count,
  /** Null where the figures can be read; else why not. */
  cannotTell: z.string().nullable(),
})

export const tradeOffs = ['time', 'memory', 'size'] as const
/** Trials that no other one beats in both loss and this; by rising cost. */
export const front = z.strictObject({ against: z.enum(tradeOffs), trials: z.array(count) })

/** What the same trials would have taken as plain runs, and what they took. */
export const savedWork = z.strictObject({
  workedMs: z.number(),
  /** Reckoned: every trial to its end at its own pace, but no slower than the median, every model loaded, every state computed. */
  plainMs: z.number(),
  /** Parts of the difference. */
  byPruningMs: z.number(),
  byReuseMs: z.number(),
  modelsReused: count,
  graphsReused: count,
  frozenRowsReused: count,
  stepsLeftOut: count,
})

export const studyVerdict = z.strictObject({
  kind: z.enum(['better', 'no-difference', 'worse', 'not-confirmed', 'searching', 'nothing-found']),
  sentence: z.string(),
  reasons: z.array(z.string()),
  /** Mean loss of base minus that of the best trial over the same seeds, 95 % interval by t; null before both are there. */
  gain: z.strictObject({ value: z.number(), low: z.number(), high: z.number() }).nullable(),
})

/** The best trials lie at an end of a range that the setting itself does not have there. */
export const rangeEnd = z.strictObject({
  path: z.string(),
  end: z.enum(['low', 'high']),
  /** Where a wider range would end. */
  wider: z.number(),
})
export type RangeEnd = z.output<typeof rangeEnd>

export const studyView = z.strictObject({
  study: studyCard,
  space: searchSpace,
  /** How trials are given up; null where each goes to its end. */
  pruning: pruning.nullable(),
  /** Of a search that is over; of settings that are not known to be noise. */
  rangeEnds: z.array(rangeEnd),
  /** The base's values of what is searched. */
  baseSettings: studiedSettings,
  trials: z.array(studyTrial),
  /** Best loss of the search after each trial that lowered it, in the order of their ends. */
  best: z.array(z.strictObject({ number: count, atMs: timeMs, lossNats: z.number() })),
  importance: importanceReading,
  fronts: z.array(front),
  saved: savedWork.nullable(),
  verdict: studyVerdict,
  /** Which trial "make this the recipe" takes: the confirmed winner, else the best one; null where there is none. */
  adoptable: count.nullable(),
})
export type StudyView = z.output<typeof studyView>

export const queueItem = z.strictObject({
  kind: z.enum(['run', 'study']),
  id,
  name: z.string(),
  projectId: id,
  projectName: z.string(),
  state: z.enum(['running', 'waiting']),
  priority: z.int(),
  addedAtMs: timeMs,
  /** Why it waits, in one sentence; of a running one what it does. */
  reason: z.string(),
  timeLeftMs: z.number().nullable(),
  doneShare: z.number().nullable(),
})
export type QueueItem = z.output<typeof queueItem>

const ofStudy = z.strictObject({ studyId: id })
const ofItem = { kind: z.enum(['run', 'study']), id }

export const studyCalls = {
  'studies.plan': call(z.strictObject(studyChoice), studyPlan),
  'studies.start': call(
    z.strictObject({ ...studyChoice, name: text.min(1).max(mostOfStudy.nameCharacters).optional() }),
    z.strictObject({ studyId: id }),
  ),
  'studies.list': call(
    /** `isLiving`: only those that wait, work or are paused. */
    z.strictObject({ projectId: id.optional(), isLiving: z.boolean().optional(), journal }),
    z.strictObject({ studies: z.array(studyCard) }),
  ),
  'studies.get': call(z.strictObject({ studyId: id, journal }), studyView),
  /** A trial at work stops with a checkpoint and goes on from there. */
  'studies.pause': call(ofStudy, nothing),
  'studies.resume': call(ofStudy, nothing),
  /** For good; what was found stays. */
  'studies.stop': call(ofStudy, nothing),
  'studies.edit': call(
    z.strictObject({
      studyId: id,
      name: text.min(1).max(mostOfStudy.nameCharacters).optional(),
      notes: text.max(100_000).optional(),
      schedule: schedule.nullable().optional(),
    }),
    studyCard,
  ),
  /** Makes a trial's settings the plan of its project. */
  'studies.adopt': call(z.strictObject({ studyId: id, number: count }), z.strictObject({ projectId: id })),
  /** With all of its trials, to the bin; `run.active` while it lives. */
  'studies.remove': call(ofStudy, nothing),
  'queue.list': call(nothing, z.strictObject({ items: z.array(queueItem) })),
  /** 1 up, -1 down: changes place with the neighbour that waits. */
  'queue.move': call(z.strictObject({ ...ofItem, by: z.union([z.literal(1), z.literal(-1)]) }), nothing),
  /** Takes a waiting run out (it becomes cancelled); a study is paused. */
  'queue.remove': call(z.strictObject(ofItem), nothing),
} as const

export const studyEvents = {
  'studies.changed': z.strictObject({ studyId: id }),
  'queue.changed': z.strictObject({ items: z.array(queueItem) }),
} as const

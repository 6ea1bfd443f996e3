// This computer, the program's settings, its storage, long work under way, and what went over the network.
import { z } from 'zod'
import { deviceId } from '../devices.ts'
import { count, timeMs } from '../fields.ts'
import { problem } from '../problem-schema.ts'
import { call, id, nothing } from './define.ts'

export const about = z.strictObject({
  name: z.string(),
  version: z.string(),
  /** Where models, data and runs are kept, for reading only. */
  home: z.string(),
  host: z.enum(['electron', 'browser', 'direct']),
  platform: z.string(),
  processor: z.string(),
  physicalCores: count,
  memoryBytes: count,
  freeDiskBytes: count,
})
export type About = z.output<typeof about>

export const selfTestIds = [
  'computer',
  'graphics',
  'disk',
  'journal',
  'trainer',
  'scorer',
  'generator',
  'models',
] as const
export const selfTestCheck = z.strictObject({
  id: z.enum(selfTestIds),
  /** What was found, in one line. */
  detail: z.string(),
  /** What is wrong and what helps; null where all is well. */
  problem: problem.nullable(),
  seconds: z.number(),
})
export type SelfTestCheckId = (typeof selfTestIds)[number]
export type SelfTestCheck = z.output<typeof selfTestCheck>

export const languages = ['en', 'de', 'es', 'fr', 'zh', 'ja'] as const
export const language = z.enum(languages)
export type Language = z.output<typeof language>

const setting = {
  theme: z.enum(['system', 'light', 'dark']),
  /** Language of the program's words; others than English follow. */
  language: z.literal('en'),
  /** What a closed window does to a run: it goes on behind a tray entry, or stops with a checkpoint. */
  whenClosed: z.enum(['keep-running', 'stop']),
  /** Models may be fetched over the network. Off until a person turns it on. */
  allowsDownloads: z.boolean(),
  /** The first start was seen through. */
  isStarted: z.boolean(),
  /** What rows as tokens and the results of frozen layers may take on disk; the oldest go first. */
  cacheLimitBytes: z.int().min(0).max(1e15),
  /** What runs are computed on; null takes the fastest measured one. */
  device: deviceId.nullable(),
  /** Columns of the experiments table, in order; null takes the usual ones. */
  experimentColumns: z.array(z.string().max(60)).max(60).nullable(),
}
export const settings = z.strictObject({
  theme: setting.theme.default('system'),
  language: setting.language.default('en'),
  whenClosed: setting.whenClosed.default('keep-running'),
  allowsDownloads: setting.allowsDownloads.default(false),
  isStarted: setting.isStarted.default(false),
  cacheLimitBytes: setting.cacheLimitBytes.default(20e9),
  device: setting.device.default(null),
  experimentColumns: setting.experimentColumns.default(null),
})
export type Settings = z.output<typeof settings>
/** What is left out stays as it is. */
export const settingsChange = z.strictObject(setting).partial()

export const networkUse = z.strictObject({
  /** Connections to other computers since the program started. */
  connections: count,
  /** The last of them: host name and time; null where there was none. */
  last: z.strictObject({ host: z.string(), atMs: timeMs, purpose: z.string() }).nullable(),
  isAllowed: z.boolean(),
})
export type NetworkUse = z.output<typeof networkUse>

export const storageKinds = [
  'model',
  'dataset',
  'run',
  'export',
  'cache',
  'backup',
  'project',
  'engine',
  'journal',
] as const
export const storageItem = z.strictObject({
  id,
  kind: z.enum(storageKinds),
  name: z.string(),
  bytes: count,
  /** Why it can or cannot be removed, in one sentence; e.g. which runs use it. */
  note: z.string(),
  isRemovable: z.boolean(),
  changedAtMs: timeMs,
})
export type StorageItem = z.output<typeof storageItem>

export const jobKinds = ['advice', 'proof', 'export', 'model', 'speed', 'engine', 'journal'] as const
export const job = z.strictObject({
  id,
  kind: z.enum(jobKinds),
  /** One short line for the pill, e.g. the run's name. */
  title: z.string(),
  projectId: id.nullable(),
  runId: id.nullable(),
  modelId: id.nullable(),
  status: z.enum(['running', 'done', 'failed', 'cancelled']),
  /** What is being done at the moment, in plain words. */
  phase: z.string(),
  done: count,
  /** 0 where the phase has no steps. */
  total: count,
  startedAtMs: timeMs,
  leftMs: z.number().nullable(),
  problem: problem.nullable(),
})
export type Job = z.output<typeof job>

/** A run that a trainer process works on, for the pill in the frame. */
export const activeRun = z.strictObject({
  runId: id,
  projectId: id,
  name: z.string(),
  status: z.string(),
  doneShare: z.number(),
  timeLeftMs: z.number().nullable(),
})
export type ActiveRunState = z.output<typeof activeRun>

export const systemCalls = {
  'system.about': call(nothing, about),
  /** Every check is really done; each is also told by `system.selfTestCheck` as it ends. One test at a time for all. */
  'system.selfTest': call(nothing, z.strictObject({ checks: z.array(selfTestCheck) })),
  'system.network': call(nothing, networkUse),
  'system.activity': call(nothing, z.strictObject({ jobs: z.array(job), runs: z.array(activeRun) })),
  'settings.get': call(nothing, settings),
  'settings.set': call(settingsChange, settings),
  'storage.list': call(
    nothing,
    z.strictObject({ items: z.array(storageItem), totalBytes: count, freeBytes: count }),
  ),
  /** Moves to the system's bin; never deletes. */
  'storage.remove': call(
    z.strictObject({ ids: z.array(id).min(1).max(1000) }),
    z.strictObject({ removed: count, freedBytes: count }),
  ),
  'jobs.cancel': call(z.strictObject({ jobId: id }), nothing),
} as const

export const systemEvents = {
  'system.selfTestCheck': selfTestCheck,
  'network.changed': networkUse,
  'settings.changed': settings,
  'job.changed': job,
  'activity.changed': z.strictObject({ runs: z.array(activeRun) }),
} as const

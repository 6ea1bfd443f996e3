// Models on this computer: what they are, whether they fit, how to get another.
import { z } from 'zod'
import { count, timeMs } from '../fields.ts'
import { problem } from '../problem-schema.ts'
import { call, id, nothing, started } from './define.ts'

export const fit = z.strictObject({
  kind: z.enum(['fits', 'tight', 'does-not-fit']),
  /** Memory that training with the usual settings takes, and what this computer has free for it. */
  neededBytes: count,
  availableBytes: count,
  reason: z.string(),
})
export type Fit = z.output<typeof fit>

/** What it does with a text: answers it in a conversation, makes another text of it, goes on with it, or only reads it. */
export const modelWay = z.enum(['talks', 'rewrites', 'goes-on', 'reads'])
export type ModelWay = z.output<typeof modelWay>

export const modelCard = z.strictObject({
  id,
  name: z.string(),
  family: z.string(),
  parameters: count,
  layers: count,
  maxTokens: count,
  sizeBytes: count,
  licence: z.string(),
  /** Empty where nobody has said so. */
  languages: z.string(),
  goodAt: z.string(),
  /** Where it came from: a folder or file brought by hand, the hub, or a Python package; and its name there. */
  origin: z.strictObject({ kind: z.enum(['folder', 'gguf', 'hub', 'package']), name: z.string() }),
  /** Where it lies, for reading. */
  place: z.string(),
  /** Runs in the journal that trained it. */
  runs: count,
  isStarter: z.boolean(),
  way: modelWay,
  addedAtMs: timeMs,
  fit,
})
export type ModelCard = z.output<typeof modelCard>

export const recommendedModel = z.strictObject({
  name: z.string(),
  parameters: count,
  /** Its files as they are published. */
  downloadBytes: count,
  /** What is fetched where the hub cannot be reached, smaller to download and unpacked on the disk; null for none. */
  package: z.strictObject({ downloadBytes: count, diskBytes: count }).nullable(),
  licence: z.string(),
  languages: z.string(),
  goodAt: z.string(),
  why: z.string(),
  fit,
  /** Its id where it is installed. */
  installedId: id.nullable(),
  /** How to get it: the program can fetch it, or the person brings its folder. */
  how: z.enum(['fetch', 'bring']),
})
export type RecommendedModel = z.output<typeof recommendedModel>

export const modelCalls = {
  'models.list': call(nothing, z.strictObject({ models: z.array(modelCard), damaged: z.array(problem) })),
  'models.recommended': call(
    /** Without a project the reasons are those for answers in sentences. */
    z.strictObject({ projectId: id.nullable() }),
    z.strictObject({ models: z.array(recommendedModel) }),
  ),
  /** Fetches the starter model; `network.off` where downloads are not allowed. */
  'models.addStarter': call(nothing, started),
  'models.addUploaded': call(z.strictObject({ uploadId: id }), started),
  /** A folder or file that the host let the person pick (`host.pickModel`). */
  'models.addPicked': call(z.strictObject({ handle: id }), started),
  'models.verify': call(z.strictObject({ modelId: id }), started),
  /** To the system's bin. */
  'models.remove': call(z.strictObject({ modelId: id }), nothing),
} as const
export const modelEvents = { 'models.changed': nothing } as const

export const hostCalls = {
  /** Lets the person pick a model's folder or file; the page gets a name and a handle, never the path. Null: none picked. */
  'host.pickModel': call(
    z.strictObject({ kind: z.enum(['folder', 'file']) }),
    z.strictObject({ picked: z.strictObject({ handle: id, name: z.string() }).nullable() }),
  ),
  /** Shows an export in the system's file manager. */
  'host.revealExport': call(z.strictObject({ exportId: id }), nothing),
  /** Opens an https address in the person's browser, after asking. */
  'host.openExternal': call(z.strictObject({ url: z.string().max(2000) }), nothing),
} as const

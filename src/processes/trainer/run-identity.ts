// What a checkpoint belongs to: run, recipe and rows. Elsewhere it is refused. And what computed it, of which it is only
// said where it has changed.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isRecord, type JsonRecord } from '#shared/json-record.ts'
import { type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { PreparedRows } from './prepare-rows.ts'

export const savedIdentitySchema = z.strictObject({
  runId: z.string(),
  /** SHA-256 of the recipe's JSON; the recipe holds seed, settings and the hash of the base model. */
  recipeSha256: z.string(),
  /** SHA-256 of the token ids and labels of every row. */
  rowsSha256: z.string(),
  /** Name and version of the backend. It may change; the numbers then may too, in their last digits. */
  backend: z.string(),
  /** Version of Tunewright, of which the same holds. Checkpoints of its first days do not have it. */
  tunewright: z.string().optional(),
})

export type SavedIdentity = z.infer<typeof savedIdentitySchema>

export interface RunIdentity {
  readonly saved: SavedIdentity
  /** The recipe's hash in a checkpoint of version 1; null where it sets what recipes of that time could not. */
  readonly firstRecipeSha256: string | null
}

export function identityOf(
  { runId, recipe }: Pick<TrainerJob, 'runId' | 'recipe'>,
  rows: Pick<PreparedRows, 'sha256'>,
  software: { readonly backend: string; readonly tunewright: string },
): RunIdentity {
  const first = asFirstRecipe(recipe)
  return {
    saved: { runId, recipeSha256: sha256Of(essenceOf(recipe)), rowsSha256: rows.sha256, ...software },
    firstRecipeSha256: first && sha256Of(first),
  }
}

const sha256Of = (value: unknown): string => createHash('sha256').update(sortedJson(value)).digest('hex')

/** JSON with the keys of every object in one order, so that equal recipes have equal text. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )
}

/** Defaults that were others when checkpoints of this version began: their hash goes by those. */
const defaultsThen = { batch: { packing: false } }

/**
 * A recipe without what equals its defaults: a setting that a later version adds, with a default that changes nothing,
 * leaves the checkpoints made before it in use.
 */
function essenceOf(recipe: Recipe): JsonRecord {
  const { version, model, data, scenario, instruction, threads } = recipe
  const required = { version, model, data, scenario, instruction, threads }
  const defaults = recipeSchema.parse({ ...required, ...defaultsThen })
  return { ...differing(withoutDevice(recipe), withoutDevice(defaults)), ...required }
}

/** A run may go on on another device; which one computed a checkpoint is said by its backend. */
function withoutDevice({ device: _device, ...recipe }: Recipe): JsonRecord {
  return recipe
}

function differing(value: JsonRecord, defaults: JsonRecord): JsonRecord {
  const kept: [string, unknown][] = []
  for (const [key, own] of Object.entries(value)) {
    const usual = defaults[key]
    if (sortedJson(own) === sortedJson(usual)) continue
    kept.push([key, isRecord(own) && isRecord(usual) ? differing(own, usual) : own])
  }
  return Object.fromEntries(kept)
}

/** Settings of recipes at the time of checkpoints of version 1, which hashed all of them. */
const firstSettings: {
  readonly [Part in keyof Recipe as Recipe[Part] extends object ? Part : never]?: readonly string[]
} = {
  method: ['kind', 'rank', 'alpha', 'targets', 'topLayers'],
  optimizer: ['kind', 'learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'clipNorm'],
  schedule: ['kind', 'warmupShare'],
  batch: ['microRows', 'accumulation', 'maxTokens'],
  duration: ['epochs', 'maxSteps'],
  evaluation: ['everySteps', 'patience', 'minImprovementNats'],
  checkpoints: ['everySeconds', 'everySteps', 'keepLast'],
}

/** The recipe as it was written then; null where that would say another one. */
function asFirstRecipe(recipe: Recipe): JsonRecord | null {
  const { version, model, data, scenario, instruction, threads, seed, gradientCheckpointing } = recipe
  const first: Record<string, unknown> = {
    ...{ version, model, data, scenario, instruction, threads, seed, gradientCheckpointing },
  }
  for (const [part, names] of Object.entries(firstSettings)) {
    const settings = new Map(Object.entries(recipe[part as keyof typeof firstSettings]))
    first[part] = Object.fromEntries(names.map((name) => [name, settings.get(name)]))
  }
  // How rows lie changes rounding only; then they lay beside each other.
  const { packing } = recipe.batch
  const asToday = { ...first, batch: { ...(first.batch as JsonRecord), packing } }
  const same = sortedJson(withoutDevice(recipeSchema.parse(asToday))) === sortedJson(withoutDevice(recipe))
  return same ? first : null
}

/** Says that other software goes on than made the checkpoint; null where it is the same. */
export function softwareNotice(saved: SavedIdentity, { saved: now }: RunIdentity): string | null {
  const changes = [
    ...(saved.backend === now.backend ? [] : [`from ${saved.backend} to ${now.backend}`]),
    ...(saved.tunewright === now.tunewright
      ? []
      : [
          `from ${saved.tunewright ? `Tunewright ${saved.tunewright}` : 'an earlier Tunewright'} to ${now.tunewright}`,
        ]),
  ]
  if (changes.length === 0) return null
  return `The software has changed since the checkpoint that this run goes on from (${changes.join(', ')}): its last digits may differ from those of an uninterrupted run.`
}

// Whether training a model fits into this computer's memory: planned from its graphs (training/memory-plan.ts), never
// tried out. Pure but for `availableMemory`.
import { freemem, platform, totalmem } from 'node:os'
import type { Fit } from '#shared/contract/index.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { formatBytes } from '#shared/units.ts'
import { fitIntoMemory, fitsInto } from '../training/memory-ladder.ts'
import { type MemoryRequest, planMemory } from '../training/memory-plan.ts'
import { taskOf } from '../training/method-of.ts'
import type { PlannedModel } from './model-config.ts'

/**
 * Memory that other programs leave free, in bytes, within what this process may use. macOS keeps little free on purpose:
 * there a share of all of it.
 */
export const availableMemory = (): number =>
  platform() === 'darwin'
    ? Math.max(freemem(), Math.round(0.6 * totalmem()))
    : Math.min(freemem(), allowedMemory())

/** What a limit on this process (a container's) leaves; runtimes before Node 22 do not tell. */
function allowedMemory(): number {
  const { availableMemory: tell } = process as { availableMemory?: () => number }
  return tell?.() ?? Number.POSITIVE_INFINITY
}

/** Bytes that a plan needs, as one that begins now would have them. */
export function judgeFit(
  neededBytes: number,
  availableBytes: number = availableMemory(),
  totalBytes: number = totalmem(),
): Fit {
  const needed = formatBytes(neededBytes)
  const numbers = { neededBytes, availableBytes }
  if (fitsInto({ total: neededBytes }, availableBytes))
    return {
      kind: 'fits',
      ...numbers,
      reason: `Training takes about ${needed}; ${formatBytes(availableBytes)} are free.`,
    }
  if (neededBytes <= 0.85 * totalBytes)
    return {
      kind: 'tight',
      ...numbers,
      reason: `Training takes about ${needed}, and ${formatBytes(availableBytes)} are free now. Close other programs first, or use shorter rows.`,
    }
  return {
    kind: 'does-not-fit',
    ...numbers,
    reason: `Training takes about ${needed}, but this computer has ${formatBytes(totalBytes)} of memory.`,
  }
}

/** Labels of a data set of which nothing is known. */
const fewClasses = 10

/** Rows of which nothing is known: of the usual length, the last quarter an answer. */
const usualTokens = 256

/**
 * Training with the recipe's own settings, made smaller where that helps, on rows of a usual length. A model that only
 * reads trains a new last layer: it can learn nothing else.
 */
export function fitOfModel(model: PlannedModel, availableBytes: number = availableMemory()): Fit {
  const { config } = model
  const names = config.kind === 'encoder'
  const method = names ? { kind: 'head' } : {}
  const recipe = recipeDraft.parse({ model: '-', data: { path: '-' }, scenario: 'classification', method })
  const longestTokens = Math.min(usualTokens, config.maxPositions)
  const rows = { longestTokens, mostLabelledTokens: names ? 1 : longestTokens / 4 }
  const task = taskOf(recipe.method, recipe.scenario, fewClasses, config)
  const plan = (changed: MemoryRequest['recipe']) => planMemory({ ...model, recipe: changed, task, rows })
  const fitted = fitIntoMemory({ recipe, freeBytes: availableBytes, plan })
  return judgeFit(fitted.plan.total, availableBytes)
}

// Whether a trial can fit into this computer, known before it begins: by the same plan as a run's, over lengths of rows that
// are measured once for a study. By all memory, not by what is free at the moment, so that the answer stays the same.
import { totalmem } from 'node:os'
import type { Recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { datasetFolder, readManifest, readSplit } from '../data/dataset-folder.ts'
import { figureOf } from '../devices/choose-device.ts'
import { memoryFactorOf } from '../devices/device-speed.ts'
import { devicesAround } from '../devices/known-devices.ts'
import { lookAround } from '../devices/surroundings.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import type { Library } from '../system/library.ts'
import { classNamesOf } from '../training/class-names.ts'
import { planRun } from '../training/plan-run.ts'
import { readTokenizer } from '../training/row-lengths.ts'
import {
  measureTrained,
  type Reading,
  readingOf,
  readingOfTexts,
  type TrainedLengths,
} from '../training/trained-lengths.ts'

export interface TrialPlanner {
  /**
   * Why it cannot fit where so many trials of its size run at once, in one sentence; null where it can. Throws ProblemError
   * where model or data are not there.
   */
  tooLarge(recipe: Recipe, parallel: number): Promise<string | null>
}

/** The system and other programs need the rest. */
const mostOfAll = 0.85

/** Of so many trials of this size, one on each graphics card, how many this computer's own memory holds; one at least. */
export const trialsInMemory = (cards: number, eachBytes: number, memoryBytes: number = totalmem()): number =>
  Math.max(1, Math.min(cards, Math.floor((mostOfAll * memoryBytes) / eachBytes)))

export function createTrialPlanner(library: Library, memoryBytes: number = totalmem()): TrialPlanner {
  const known = new Map<string, Promise<TrainedLengths>>()
  let factor: Promise<number> | null = null

  async function measure(modelId: string, fingerprint: string, reading: Reading): Promise<TrainedLengths> {
    const rows = unwrap(await readSplit(datasetFolder(library, fingerprint), 'train'))
    return measureTrained(rows, reading, await readTokenizer(modelFolder(library, modelId)))
  }

  function lengthsOf(modelId: string, fingerprint: string, reading: Reading): Promise<TrainedLengths> {
    const key = JSON.stringify([modelId, fingerprint, reading])
    const found = known.get(key) ?? measure(modelId, fingerprint, reading)
    known.set(key, found)
    return found
  }

  async function factorOn({ device, model }: Recipe): Promise<number> {
    const devices = devicesAround(library, await lookAround(library))
    return memoryFactorOf(
      figureOf(
        devices.find(({ id }) => id === device),
        model.id,
      ),
    )
  }

  return {
    async tooLarge(recipe, parallel) {
      const { model, data, before } = recipe
      const planned = await readPlannedModel(library, unwrap(await showModel(library, model.id)))
      const manifest = unwrap(await readManifest(datasetFolder(library, data.fingerprint)))
      factor ??= factorOn(recipe)
      const plan = planRun({
        recipe,
        model: planned,
        lengths: await lengthsOf(model.id, data.fingerprint, readingOf(recipe, recipe.instruction)),
        textLengths: before && (await lengthsOf(model.id, before.fingerprint, readingOfTexts)),
        classes: classNamesOf(recipe.scenario, manifest).length,
        availableBytes: Number.POSITIVE_INFINITY,
        memoryFactor: await factor,
      })
      if (plan === null || parallel * plan.memory.total <= mostOfAll * memoryBytes) return null
      const shared = parallel === 1 ? '' : ` for ${parallel} trials at the same time`
      return `It would take about ${formatBytes(plan.memory.total)} of memory, and this computer has ${formatBytes(memoryBytes)}${shared}.`
    },
  }
}

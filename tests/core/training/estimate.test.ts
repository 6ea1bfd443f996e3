// How long a plan takes: from runs that did the same work for a row, and from no others.
import { expect, test } from 'vitest'
import { knownModels } from '#core/models/known-models.ts'
import { countSteps, estimateSeconds, msPerRowOf, type PastRun, rowWork } from '#core/training/estimate.ts'
import { figuresOfRun } from '#core/training/run-graphs.ts'
import { languageModel } from '#engine/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import { type RecipeDraft, recipeDraft } from '#shared/recipe.ts'

const draft = (
  changes: Record<string, unknown> = {},
  device: DeviceId = 'cpu',
): RecipeDraft & { device: DeviceId } => ({
  ...recipeDraft.parse({ scenario: 'classification', model: 'm', data: { path: 'd' }, ...changes }),
  device,
})

test('a run of the uppermost blocks alone says nothing of one of all blocks', () => {
  const past: PastRun[] = [
    { recipe: draft({ method: { topLayers: 10 }, gradientCheckpointing: false }), msPerRow: 190 },
    { recipe: draft(), msPerRow: 600 },
    { recipe: draft(), msPerRow: 900 },
  ]
  expect(msPerRowOf(draft(), past)).toBe(600)
  expect(msPerRowOf(draft({ method: { topLayers: 10 }, gradientCheckpointing: false }), past)).toBe(190)
  expect(msPerRowOf(draft({ method: { topLayers: 10 } }), past)).toBeNull()
  expect(msPerRowOf(draft({ scenario: 'summarisation' }), past)).toBeNull()
  expect(msPerRowOf(draft({ batch: { maxTokens: 64 } }), past)).toBeNull()
})

test('a run of another method, base or layout says nothing of this one', () => {
  const past: PastRun[] = [{ recipe: draft(), msPerRow: 600 }]
  expect(msPerRowOf(draft(), past)).toBe(600)
  const others = [
    { method: { kind: 'full' } },
    { method: { base: 'nf4' } },
    { batch: { packing: false } },
    { batch: { rowsAtOnce: 1 } },
    { reuseFrozenLayers: true },
  ]
  for (const changes of others) expect(msPerRowOf(draft(changes), past)).toBeNull()
})

test('a run on one device says nothing of another', () => {
  const past: PastRun[] = [{ recipe: draft({}, 'tensorflow-cpu'), msPerRow: 400 }]
  expect(msPerRowOf(draft({}, 'tensorflow-cpu'), past)).toBe(400)
  expect(msPerRowOf(draft(), past)).toBeNull()
})

const trainRows = 200

test('the range holds what runs of the same work took, and is wider the less is known', () => {
  const recipe = draft()
  const steps = countSteps(trainRows, recipe)
  expect(steps).toBe(75)
  const work = { steps, trainRows, validationRows: 40, flopsPerRow: 6 * 135e6 * 80, onceFlopsPerRow: 0 }
  const width = (msPerRow: number | null, gflops: number | null) => {
    const { lowSeconds, highSeconds, basis } = estimateSeconds(recipe, work, { msPerRow, gflops })
    return { factor: highSeconds / lowSeconds, basis, lowSeconds, highSeconds }
  }
  const known = width(500, 100)
  const tookSeconds = (75 * 8 * 500) / 1000
  expect(known.basis).toBe('runs-here')
  expect(known.lowSeconds).toBeLessThan(tookSeconds)
  expect(known.highSeconds).toBeGreaterThan(1.2 * tookSeconds)
  expect(width(null, 100).basis).toBe('measured-speed')
  expect(width(null, 100).factor).toBeGreaterThan(known.factor)
  expect(width(null, null).factor).toBeGreaterThan(width(null, 100).factor)
})

const starter = knownModels[0]!.config
const rows = { longestTokens: 256, mostLabelledTokens: 64, meanTokens: 128 }
const workOf = (changes: Record<string, unknown>, of: typeof rows & { sharedTokens?: number } = rows) => {
  const recipe = draft(changes)
  return rowWork(figuresOfRun({ config: starter, recipe, task: languageModel, rows: of }), recipe, of)
}

test('work is counted from the graphs that a recipe makes', () => {
  const all = workOf({})
  // Of LoRA with blocks computed twice: 2 operations a weight forward, again, and back to the inputs.
  const weights = 106e6
  expect(all.flopsPerRow / (6 * weights * rows.meanTokens)).toBeGreaterThan(1)
  expect(all.flopsPerRow / (6 * weights * rows.meanTokens)).toBeLessThan(1.35)
  const kept = workOf({ gradientCheckpointing: false })
  expect(kept.flopsPerRow / all.flopsPerRow).toBeLessThan(0.75)
  const top = workOf({ method: { topLayers: 10 } })
  const reused = workOf({ method: { topLayers: 10 }, reuseFrozenLayers: true })
  expect(top.flopsPerRow).toBeLessThan(0.65 * all.flopsPerRow)
  expect(reused.flopsPerRow + reused.onceFlopsPerRow).toBeCloseTo(top.flopsPerRow, -9)
  expect(reused.onceFlopsPerRow).toBeGreaterThan(0)
  expect(workOf({ method: { kind: 'full' } }).flopsPerRow).toBeGreaterThan(1.2 * all.flopsPerRow)
  expect(workOf({ method: { base: 'nf4' } }).flopsPerRow).toBeGreaterThan(all.flopsPerRow)
  const beside = workOf({ batch: { packing: false } })
  expect(beside.flopsPerRow / all.flopsPerRow).toBeCloseTo(1, 2)
  // 64 of 128 tokens once for 8 rows: 64 + 8 x 64 places in place of 8 x 128.
  const shared = workOf({}, { ...rows, sharedTokens: 64 })
  expect(shared.flopsPerRow / all.flopsPerRow).toBeCloseTo(576 / 1024, 1)
  // Beside each other rows share nothing.
  const padded = { batch: { packing: false } }
  expect(workOf(padded, { ...rows, sharedTokens: 64 }).flopsPerRow).toBe(workOf(padded).flopsPerRow)
})

test('blocks that are computed once cost once', () => {
  const recipe = draft()
  const speed = { msPerRow: null, gflops: 100 }
  const secondsOf = (onceFlopsPerRow: number) =>
    estimateSeconds(
      recipe,
      { steps: 75, trainRows, validationRows: 40, flopsPerRow: 1e9, onceFlopsPerRow },
      speed,
    ).lowSeconds
  const rowsInAll = 75 * 8
  expect(secondsOf(1e9) / secondsOf(0)).toBeCloseTo(1 + trainRows / rowsInAll, 6)
})

test('measuring fewer rows, and less often, takes less time', () => {
  const work = { steps: 75, trainRows, validationRows: 40, flopsPerRow: 1e9, onceFlopsPerRow: 0 }
  const secondsOf = (evaluation: Record<string, unknown>) =>
    estimateSeconds(draft({ evaluation }), work, { msPerRow: 500, gflops: null }).highSeconds
  const usual = secondsOf({})
  expect(secondsOf({ mostRows: 10 })).toBeLessThan(usual)
  expect(secondsOf({ mostRows: 40 })).toBe(usual)
  expect(secondsOf({ mostRows: 400 })).toBe(usual)
  expect(secondsOf({ atShares: [1 / 9, 1 / 3, 1] })).toBeLessThan(usual)
  expect(secondsOf({ everySteps: 1 })).toBeGreaterThan(usual)
})

// How long a plan takes: from runs that did the same work for a row, and from no others.
import { expect, test } from 'vitest'
import { countSteps, estimateSeconds, msPerRowOf, type PastRun } from '#core/training/estimate.ts'
import { type RecipeDraft, recipeDraft } from '#shared/recipe.ts'

const draft = (changes: Record<string, unknown> = {}): RecipeDraft =>
  recipeDraft.parse({ scenario: 'classification', model: 'm', data: { path: 'd' }, ...changes })

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

test('the range holds what runs of the same work took, and is wider the less is known', () => {
  const recipe = draft()
  const steps = countSteps(200, recipe)
  expect(steps).toBe(75)
  const width = (msPerRow: number | null, gflops: number | null) => {
    const { lowSeconds, highSeconds, basis } = estimateSeconds(steps, recipe, 135e6, { msPerRow, gflops })
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

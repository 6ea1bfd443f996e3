// What runs of the past say of the time of one row: the middle of their steps, and nothing where they are too short.
import { expect, test } from 'vitest'
import { pastRunsOf } from '#core/training/past-runs.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { ok } from '#shared/result.ts'

test('half of the steps were quicker; a run of three steps says nothing', () => {
  const recipe = recipeDraft.parse({
    model: 'starter',
    data: { path: '-' },
    scenario: 'classification',
    batch: { microRows: 2, accumulation: 2 },
  })
  const steps: Record<string, readonly number[]> = { whole: [400, 400, 800, 9000, 400], short: [1, 1, 1] }
  const reader = {
    listRuns: () => ok({ runs: Object.keys(steps).map((id) => ({ id })), total: 2 }),
    thinCurve: (id: string) =>
      ok({ train: steps[id]!.map((durationMs) => ({ durationMs })), validation: [] }),
    getRun: () => ok({ recipe }),
  } as unknown as Parameters<typeof pastRunsOf>[0]
  expect(pastRunsOf(reader, 'm').map(({ msPerRow }) => msPerRow)).toEqual([100])
})

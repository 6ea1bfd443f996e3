import { expect, it } from 'vitest'
import { effectScope } from 'vue'
import { openTestPage } from './support/page.ts'

const view = (totalSteps: number) => ({
  run: {},
  state: { runId: 'r', status: 'running', totalSteps },
  ...{ train: [], validation: [], samples: [], notices: [] },
})
let reads = 0
const page = openTestPage({
  'training.get': () => {
    reads += 1
    return view(0)
  },
})
const { bounded, joined, useRun } = await import('#renderer/features/training/run-view.ts')

const points = (...steps: number[]) => steps.map((step) => ({ step, lossNats: step / 10 }))

it('puts what comes behind what is known', () => {
  expect(joined(points(1, 2), points(3, 4))).toEqual(points(1, 2, 3, 4))
  expect(joined([], points(1))).toEqual(points(1))
  expect(joined(points(1, 2), [])).toEqual(points(1, 2))
})

it('replaces steps that were run again, and all behind them', () => {
  const again = [{ step: 2, lossNats: 9 }]
  expect(joined(points(1, 2, 3), again)).toEqual([...points(1), ...again])
  expect(joined(points(1, 2), points(1, 2))).toEqual(points(1, 2))
})

it('stays bounded however long a run is followed, its first and its newest points kept', () => {
  let known = points(0)
  for (let step = 1; step <= 30_000; step += 10)
    known = [...bounded(joined(known, points(...Array.from({ length: 10 }, (_, at) => step + at))))]
  expect(known.length).toBeLessThanOrEqual(4000)
  expect(known[0]).toEqual(points(0)[0])
  expect(known.slice(-1000)).toEqual(points(...Array.from({ length: 1000 }, (_, at) => 29_001 + at)))
})

it('is read again when its plan is there and when something happened: what computes it may have changed', async () => {
  const scope = effectScope()
  const run = scope.run(() => useRun('r'))!
  const tell = async (totalSteps: number, notices: object[] = []) => {
    page.tell('training.update', { ...view(totalSteps), notices })
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    return reads
  }
  expect(await tell(0)).toBe(1)
  expect(await tell(0)).toBe(1)
  expect(await tell(5)).toBe(2)
  // The test's program says each time that nothing is planned.
  run.view.value = view(5) as unknown as typeof run.view.value
  expect(await tell(5)).toBe(2)
  expect(await tell(5, [{ atMs: 0, text: 'It goes on elsewhere.' }])).toBe(3)
  scope.stop()
})

import { expect, it } from 'vitest'
import { openTestPage } from './support/page.ts'

openTestPage({})
const { bounded, joined } = await import('#renderer/features/training/run-view.ts')

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

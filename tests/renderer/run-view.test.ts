import { expect, it } from 'vitest'
import { openTestPage } from './support/page.ts'

openTestPage({})
const { joined } = await import('#renderer/features/training/run-view.ts')

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

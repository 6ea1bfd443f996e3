import { expect, test } from 'vitest'
import { plotSeries } from '../../src/cli/plot.ts'

const options = { widthColumns: 11, heightRows: 3, xTitle: 'step', yTitle: 'loss' }

test('the first point is at the left, the highest at the top, later series lie over earlier ones', () => {
  const rows = plotSeries(
    [
      {
        name: 'training',
        mark: '·',
        points: [
          { x: 0, y: 3 },
          { x: 10, y: 1 },
        ],
      },
      {
        name: 'validation',
        mark: 'o',
        points: [
          { x: 0, y: 2 },
          { x: 10, y: 1 },
        ],
      },
    ],
    options,
  )
  expect(rows).toEqual([
    'loss   · training   o validation',
    '   3.00 │·',
    '   2.00 │o',
    '   1.00 │          o',
    '        └───────────',
    '         0        10  step',
  ])
})

test('one point, equal values and values that are no number are drawn without a fault', () => {
  expect(plotSeries([{ name: 'a', mark: '·', points: [{ x: 5, y: 1 }] }], options)[1]).toContain('·')
  expect(plotSeries([{ name: 'a', mark: '·', points: [{ x: 5, y: Number.NaN }] }], options)).toEqual([
    '(nothing measured yet)',
  ])
})

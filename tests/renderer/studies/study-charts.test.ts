// What the charts and the table of a study show of none, one, thirty and a thousand trials.
import { describe, expect, it } from 'vitest'
import {
  bestSoFar,
  costOf,
  frontPoints,
  frontRange,
  heldIn,
  lossRange,
  measuredTrials,
  presetLoss,
  rankTrials,
  slicePoints,
} from '#renderer/features/studies/chart-points.ts'
import { brokenName, parallelChart, sharedLines } from '#renderer/features/studies/parallel-chart.ts'
import { bestChart, frontChart, sliceChart } from '#renderer/features/studies/study-charts.ts'
import {
  countWords,
  firstOrder,
  orderTrials,
  sortedBy,
  statusWord,
} from '#renderer/features/studies/trial-table.ts'
import type { StudyTrial } from '#shared/study.ts'
import { sampleSpace, sampleStudy, sampleTrial } from './sample-study.ts'

const paint = (name: string): string => name

interface Mark {
  readonly name: string
  readonly symbol: string
  readonly label?: { readonly formatter: string }
}
/** Trials that marks stand for: one says how many it is of. */
const trialsOf = (marks: readonly Mark[]): number =>
  marks.reduce((sum, { label }) => sum + (label === undefined ? 1 : Number(label.formatter.slice(1))), 0)

describe('points', () => {
  it('are of measured trials of the search, in the order of their ends', () => {
    const trials = [
      sampleTrial(0, { endedAtMs: 30 }),
      sampleTrial(1, { endedAtMs: 10 }),
      sampleTrial(2, { status: 'failed', lossNats: null }),
      sampleTrial(3, { purpose: 'winner' }),
      sampleTrial(4, { status: 'planned', lossNats: null, endedAtMs: null }),
    ]
    expect(measuredTrials(trials).map(({ number }) => number)).toEqual([1, 0])
  })

  it('the best so far falls only, and not by what was given up', () => {
    const losses = [0.7, 0.5, 0.6, 0.4]
    const view = sampleStudy({
      search: 4,
      trial: (number) => ({ lossNats: losses[number] ?? 1, status: number === 1 ? 'pruned' : 'complete' }),
    })
    const { line, points, lastX } = bestSoFar(view, 'trials')
    expect(line).toEqual([
      [1, 0.7],
      [3, 0.6],
      [4, 0.4],
      [4, 0.4],
    ])
    expect([points.length, lastX]).toEqual([4, 4])
    expect(bestSoFar(view, 'hours').points[0]?.x).toBeCloseTo(0.11, 5)
    expect(bestSoFar(sampleStudy({ search: 0 }), 'trials')).toEqual({ points: [], line: [], lastX: 0 })
  })

  it('losses far above the others are held at the edge and counted', () => {
    const many = [...Array.from({ length: 11 }, (_, at) => 0.5 + at / 100), 50]
    expect(lossRange(many)).toMatchObject({ low: 0.5, above: 1 })
    expect(heldIn(50, lossRange(many))).toBeGreaterThan(lossRange(many).high)
    expect(heldIn(50, lossRange(many))).toBeLessThan(2)
    expect(heldIn(0.6, lossRange(many))).toBe(0.6)
    // Few are all drawn, and what has to be seen always is.
    expect(lossRange(many.slice(1))).toMatchObject({ high: 50, above: 0 })
    expect(lossRange(many, [50])).toMatchObject({ high: 50, above: 0 })
    expect(lossRange([0.5, 0.6, 0.7])).toEqual({ low: 0.5, high: 0.7, above: 0 })
    expect(lossRange([1, 1, 1, 1, 1])).toEqual({ low: 1, high: 1, above: 0 })
    expect(lossRange([])).toEqual({ low: 0, high: 0, above: 0 })
  })

  it('are ranked: the best tenth, the better half, the rest, what was given up', () => {
    const { trials } = sampleStudy({
      search: 40,
      trial: (number) => ({ lossNats: number, status: number === 39 ? 'pruned' : 'complete' }),
    })
    const ranks = rankTrials(trials)
    expect([0, 3, 4, 19, 20, 39].map((number) => ranks.get(number))).toEqual([
      'best',
      'best',
      'half',
      'half',
      'rest',
      'pruned',
    ])
  })

  it('of a setting are those that have it; costs have their unit', () => {
    const trials = [sampleTrial(0), sampleTrial(1, { settings: {} }), sampleTrial(2, { work: null })]
    expect(slicePoints(trials, 'method.rank').map(({ number }) => number)).toEqual([0, 2])
    expect(costOf(sampleTrial(0), 'time')).toBeCloseTo(6.6, 5)
    expect(costOf(sampleTrial(2, { work: null }), 'memory')).toBe(null)
    const view = sampleStudy({ search: 30 })
    expect(
      frontPoints(view, 'size')
        .filter(({ isOnFront }) => isOnFront)
        .map(({ number }) => number)
        .sort(),
    ).toEqual([...(view.fronts[0]?.trials ?? [])].sort())
    expect(presetLoss(view.trials)).toBe(null)
  })
})

describe.each([0, 1, 30, 1000])('charts of %i trials', (search) => {
  const view = sampleStudy({ search, isConfirmed: search > 0 })
  it('draw a mark for each, of another shape where it was given up', () => {
    const measured = measuredTrials(view.trials)
    const pruned = measured.filter(({ status }) => status === 'pruned').length
    const dots = bestChart(view, 'trials', paint).series[0]?.data as Mark[]
    expect(dots).toHaveLength(measured.length)
    expect(dots.filter(({ symbol }) => symbol === 'triangle')).toHaveLength(pruned)
    const [lines] = parallelChart(view, paint).series
    expect(lines?.data.filter(({ lineStyle }) => lineStyle.type === 'dashed')).toHaveLength(pruned)
    expect(lines?.data.every(({ value }) => value.length === sampleSpace.length + 1)).toBe(true)
    for (const dimension of view.space)
      expect(trialsOf(sliceChart(view, dimension, paint).series[0]?.data ?? [])).toBe(measured.length)
    expect(frontChart(view, 'memory', paint).series).toHaveLength(2)
    const text = JSON.stringify([bestChart(view, 'hours', paint), parallelChart(view, paint)])
    expect(text).not.toMatch(/NaN|Infinity/)
  })
})

describe('a trial far above the others', () => {
  const far = (odd: Partial<StudyTrial> = {}) =>
    sampleStudy({
      search: 20,
      trial: (number) => ({
        status: 'complete',
        lossNats: 0.5 + number / 100,
        ...(number === 3 ? { lossNats: 50, ...odd } : {}),
      }),
    })
  it('is a hollow arrow with its true loss, and no ring', () => {
    const view = far()
    const charts = [
      bestChart(view, 'trials', paint),
      ...view.space.map((one) => sliceChart(view, one, paint)),
    ]
    for (const { series } of charts) {
      const arrows = ((series[0]?.data ?? []) as Mark[]).filter(({ symbol }) => symbol === 'arrow')
      expect(arrows.map(({ name }) => name)).toEqual(['Trial 4: above the chart, 50.00 nats'])
    }
    const [, dots] = frontChart(view, 'time', paint).series
    const ringed = ((dots?.data ?? []) as (Mark & { itemStyle: { borderColor?: string } })[]).filter(
      ({ symbol, itemStyle }) => symbol === 'arrow' && itemStyle.borderColor === '--c-accent',
    )
    expect(ringed).toEqual([])
    const lines = parallelChart(view, paint).series[0]?.data ?? []
    expect(lines.filter(({ lineStyle }) => lineStyle.type === 'dotted').map(({ name }) => name)).toEqual([
      'Trial 4: above the chart, 50.00 nats',
    ])
  })

  it('is drawn where it lies if it is on the front', () => {
    const view = { ...far(), fronts: [{ against: 'time' as const, trials: [3, 0] }] }
    expect(frontRange(view, 'time')).toMatchObject({ high: 50, above: 0 })
    const [line, dots] = frontChart(view, 'time', paint).series
    expect(line?.data.map((point) => (point as number[])[1])).toContain(50)
    expect(((dots?.data ?? []) as Mark[]).some(({ symbol }) => symbol === 'arrow')).toBe(false)
  })
})

describe('trials that are alike', () => {
  const { settings } = sampleTrial(0)
  const alike = (search: number) =>
    sampleStudy({
      search,
      trial: (number) => (number < 8 ? { settings, lossNats: 0.6, status: 'complete' } : {}),
    })
  it('are one point that says how many, and names the first of them', () => {
    const marks = sliceChart(alike(12), sampleSpace[2]!, paint).series[0]?.data as Mark[]
    const mark = marks.find(({ label }) => label !== undefined)
    expect(mark?.label?.formatter).toBe('×8')
    expect(mark?.name.split('\n')).toEqual([
      ...[1, 2, 3, 4, 5, 6].map((number) => `Trial ${number}: 0.60`),
      'and 2 more',
    ])
    expect(trialsOf(marks)).toBe(12)
  })

  it('are one line that is wider, of the best of them', () => {
    const view = alike(12)
    const lines = parallelChart(view, paint).series[0]?.data ?? []
    expect([lines.length, sharedLines(view)]).toEqual([5, 1])
    const [shared] = lines.filter(({ name }) => name.includes('\n'))
    const widest = Math.max(...lines.map(({ lineStyle }) => lineStyle.width))
    expect(shared?.lineStyle.width).toBe(widest)
    expect(sharedLines(sampleStudy({ search: 12 }))).toBe(0)
  })
})

it('a setting that a trial lacks breaks its line and no axis', () => {
  const view = sampleStudy({
    search: 3,
    trial: (number) => (number === 1 ? { settings: { 'method.rank': 8 } } : {}),
  })
  const [lines] = parallelChart(view, paint).series
  expect(lines?.data.find(({ name }) => name.startsWith('Trial 2'))?.value.slice(0, 4)).toEqual([
    '-',
    '-',
    '8',
    '-',
  ])
})

it('a long name of an axis is broken between its words', () => {
  expect(brokenName('How strongly it learns')).toBe('How strongly it\nlearns')
  expect(brokenName('Donaudampfschifffahrt')).toBe('Donaudampfschifffahrt')
})

describe('the table of trials', () => {
  const { trials } = sampleStudy({ search: 12 })
  it('sorts figures as figures, and what has none stands last either way', () => {
    const some = [
      sampleTrial(0, { lossNats: 0.9 }),
      sampleTrial(1, { lossNats: null }),
      sampleTrial(2, { lossNats: 0.5 }),
    ]
    const by = (order: 'ascending' | 'descending') =>
      orderTrials(some, { sort: 'loss', order }).map(({ number }) => number)
    expect(by('ascending')).toEqual([2, 0, 1])
    expect(by('descending')).toEqual([0, 2, 1])
    const ranks = orderTrials(trials, { sort: 'setting:method.rank', order: 'ascending' }).map(
      ({ settings }) => Number(settings['method.rank']),
    )
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
    expect(
      orderTrials(trials, { sort: 'setting:schedule.kind', order: 'ascending' })[0]?.settings[
        'schedule.kind'
      ],
    ).toBe('constant')
  })

  it('turns round at another click', () => {
    expect(sortedBy(firstOrder, 'loss')).toEqual({ sort: 'loss', order: 'ascending' })
    expect(sortedBy(firstOrder, 'number')).toEqual({ sort: 'number', order: 'descending' })
  })

  it('says how a trial stands', () => {
    expect(statusWord(sampleTrial(0, { status: 'planned' }), 0.4)).toBe('Under way, 40 %')
    expect(statusWord(sampleTrial(0, { status: 'planned', work: null }), null)).toBe('Waiting to begin')
    expect(statusWord(sampleTrial(0, { status: 'planned' }), null)).toBe('Begun, waits')
    expect(statusWord(sampleTrial(0, { status: 'skipped' }), null)).toBe('Left out')
    const none = { complete: 0, pruned: 0, skipped: 0, failed: 0, stopped: 0, planned: 0 }
    expect(countWords({ trials: { ...none, complete: 1, pruned: 3, failed: 2 }, confirming: 4 })).toBe(
      '1 to its end, 3 given up early, 2 failed, 4 confirming runs',
    )
    expect(countWords({ trials: none, confirming: 0 })).toBe('')
  })
})

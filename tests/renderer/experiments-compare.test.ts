// Compared runs without a browser: how they are told apart, what the chart draws, figures and settings beside each other.
import { describe, expect, it } from 'vitest'
import { chartOf, linesAbove, notComparable } from '#renderer/features/experiments/compare-chart.ts'
import {
  figureGroups,
  readsFirst,
  settingLine,
  settingsBeside,
} from '#renderer/features/experiments/compare-words.ts'
import { endApart } from '#renderer/features/experiments/label-end.ts'
import { factsOf, joinFacts } from '#renderer/features/experiments/run-facts.ts'
import { letterAt, marksOf, mostInFull, mostLooks } from '#renderer/features/experiments/run-marks.ts'
import { inOrder, sortedAnew } from '#renderer/features/experiments/sorting.ts'
import { spreadOf } from '#renderer/features/experiments/spread-lines.ts'
import type { OverlayCurve } from '#shared/contract/index.ts'
import { settingsTried } from '#shared/measuring-settings.ts'
import { experimentRow as row } from './support/experiment-row.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `run-${n}`)

describe('marks of runs', () => {
  it('have letters that go on behind Z', () => {
    expect([0, 25, 26, 51, 52, 701, 702].map(letterAt)).toEqual(['A', 'Z', 'AA', 'AZ', 'BA', 'ZZ', 'AAA'])
  })

  it('differ in colour or dashes as long as they can, and then in their letters alone', () => {
    const looks = (count: number) => ids(count).map((id) => marksOf(ids(count))(id)?.look)
    expect(new Set(looks(mostLooks).map((look) => JSON.stringify(look))).size).toBe(mostLooks)
    // The first ones stay as they are while more are ticked.
    expect(looks(mostLooks).slice(0, mostInFull)).toEqual(looks(mostInFull))
    expect(new Set(looks(mostLooks + 1))).toEqual(new Set([null]))
    expect(marksOf(['a'])('b')).toBeNull()
  })
})

describe('a chart of compared runs', () => {
  const curve = (runId: string, part: Partial<OverlayCurve> = {}): OverlayCurve => ({
    runId,
    name: `Run ${runId}`,
    train: [[1, 2]],
    validation: [[10, 1]],
    ...part,
  })
  const drawn = ({ lines }: ReturnType<typeof chartOf>) =>
    lines.map(({ name, isMain, label }) => [name, isMain, label])

  it('has each run twice, with its letter where it is strong', () => {
    const view = chartOf([curve('a'), curve('b', { validation: [] })], { markOf: marksOf(['a', 'b']) })
    expect(drawn(view)).toEqual([
      ['A Run a, training rows', false, ''],
      ['A Run a, rows not seen', true, 'A'],
      ['B Run b, training rows', false, 'B'],
    ])
    expect(view.lastX).toBe(10)
  })

  it('has a line each of many, of rows not seen where there are any', () => {
    const many = ids(mostInFull + 1)
    const [first, ...others] = many.map((id) => curve(id))
    const view = chartOf([{ ...first!, validation: [] }, ...others], { markOf: marksOf(many) })
    expect(view.lines).toHaveLength(many.length)
    expect(view.lines[0]?.name).toBe('A Run run-0, training rows')
    expect(view.lines.every(({ look, isFaint }) => look !== undefined && !isFaint)).toBe(true)
    expect(view.lines.map(({ label, isLetter }) => isLetter && label)).toEqual([
      'A',
      'B',
      'C',
      'D',
      'E',
      'F',
      'G',
    ])
  })

  it('has the median and the quartiles of very many, of which a line that ended counts no more', () => {
    const many = ids(40)
    const curves = many.map((id, at) =>
      curve(id, {
        validation: [
          [600, at],
          [1200, 2 * at],
        ],
        train: [[1200, 1]],
      }),
    )
    const spread = spreadOf(curves.map(({ validation }) => validation))
    const { lines } = chartOf(curves, { markOf: marksOf(many), axis: 'time', spread })
    const named = lines.filter(({ id }) => id === undefined)
    expect(named.map(({ name, points }) => [name.split(':')[0], points[0], points.at(-1)])).toEqual([
      ['Lower quartile', [10, 9.75], [20, 19.5]],
      ['Median', [10, 19.5], [20, 39]],
      ['Upper quartile', [10, 29.25], [20, 58.5]],
    ])
    const ending = [
      [
        [0, 100],
        [5, 100],
      ] as const,
      ...Array.from(
        { length: 5 },
        () =>
          [
            [0, 1],
            [10, 1],
          ] as const,
      ),
    ]
    expect(spreadOf(ending)?.high.at(-1)).toEqual([10, 1])
    expect(spreadOf(ending)?.high.at(0)).toEqual([0, 1])
    expect(spreadOf(ending.slice(0, 4))).toBeNull()
    expect(spread).toMatchObject({ count: 40, least: 40 })
  })

  // Bug: twenty of thirty were given up, and the median of those that were left fell by half: it looked like learning.
  it('have a median as far as half of them came, for the rest is the better part', () => {
    const lines = [
      ...Array.from({ length: 20 }, (_, n) => [[10, 2 + n / 100] as const, [20, 2 + n / 100] as const]),
      ...Array.from({ length: 10 }, (_, n) => [[10, 1 + n / 100] as const, [90, 0.8] as const]),
    ]
    const { middle, count, least } = spreadOf(lines)!
    expect([count, least]).toEqual([30, 30])
    expect(middle.at(-1)?.[0]).toBeLessThanOrEqual(20)
    expect(middle.every(([, loss]) => loss > 2)).toBe(true)
    // Measured later than the others are: before half of them begin there is none either.
    const late = lines.map((points, at) => (at < 20 ? points.map(([x, y]) => [x + 40, y] as const) : points))
    expect(spreadOf(late)?.middle[0]?.[0]).toBeGreaterThanOrEqual(50)
  })

  it('has very many thin and grey, but for the one that is pointed at, which is named and has both lines', () => {
    const many = ids(40)
    const curves = many.map((id) => curve(id, { train: [[7200, 2]], validation: [[3600, 1]] }))
    const question = { markOf: marksOf(many), axis: 'time' as const, picked: 'run-30' }
    const view = chartOf(curves, question)
    expect(view.lines.every(({ isFaint, id }) => isFaint === true && id !== undefined)).toBe(true)
    expect([view.lines.length, view.lines[30]?.name]).toEqual([40, 'AE Run run-30, rows not seen'])
    // They stand as they are while one after the other is pointed at.
    expect(chartOf(curves, { ...question, picked: null })).toEqual(view)
    const above = linesAbove(curves, question, view)
    expect(above.map(({ name, label, isPicked, points }) => [name, label, isPicked, points])).toEqual([
      ['AE Run run-30, training rows', '', undefined, [[120, 2]]],
      ['AE Run run-30, rows not seen', 'AE Run run-30', true, [[60, 1]]],
    ])
    // Training goes on behind the last measurement: there is room for it.
    expect(view.lastX).toBe(120)
    expect(linesAbove(curves, { ...question, picked: null }, view)).toEqual([])
    const few = ids(8)
    const inside = { markOf: marksOf(few), picked: 'run-3' }
    expect(chartOf(curves.slice(0, 8), inside).lines.filter(({ isPicked }) => isPicked)).toHaveLength(1)
    expect(linesAbove(curves.slice(0, 8), inside, view)).toEqual([])
  })

  it('have a name at the picked line of which a stranger’s text and length break nothing', () => {
    const many = ids(40)
    const labelOf = (name: string): string | undefined => {
      const curves = many.map((id) => curve(id, { name }))
      return linesAbove(curves, { markOf: marksOf(many), picked: 'run-0' }, { lastX: 10 }).at(-1)?.label
    }
    expect(labelOf('a\u202Eb')).toBe('A a⟨U+202E⟩b')
    expect(labelOf(`Search of ${'many '.repeat(40)}rows, trial 15`)).toBe('A Search of many many … trial 15')
    expect(labelOf('x'.repeat(200))?.length).toBeLessThan(50)
  })

  it('draw texts of the field as a line of their own: it used to go on into that of the rows', () => {
    const train: [number, number][] = [1, 2, 3, 4, 5, 6].map((step) => [step, 4 - step / 2])
    const two = {
      runId: 'a',
      name: 'Two',
      train,
      validation: [
        [4, 2],
        [6, 1],
      ] as [number, number][],
    }
    const one = { ...two, runId: 'b', name: 'One' }
    const markOf = marksOf(['a', 'b'])
    const question = { markOf, readFirst: new Set(['a']) }
    const stepsOf = ({ lines }: ReturnType<typeof chartOf>) =>
      lines.map(({ name, points, label }) => [name, points.map(([step]) => step).join(), label])
    expect(stepsOf(chartOf([two, one], question))).toEqual([
      ['A Two, texts of its field', '1,2,3,4', 'A, texts'],
      ['A Two, training rows', '5,6', ''],
      ['A Two, rows not seen', '4,6', 'A'],
      ['B One, training rows', '1,2,3,4,5,6', ''],
      ['B One, rows not seen', '4,6', 'B'],
    ])
    const long: (typeof one)['train'] = [
      [1, 1],
      [60, 1],
    ]
    const labels = chartOf([two, { ...one, train: long }], question).lines.map(({ label }) => label)
    expect(labels).toEqual(['', '', 'A', '', 'B'])
    // Among the texts nothing is measured; without any measurement nothing tells where the rows begin.
    const early = { ...two, validation: [] }
    expect(stepsOf(chartOf([early], question))).toEqual([
      ['A Two, texts of its field, then training rows', '1,2,3,4,5,6', 'A, texts'],
    ])
    const rows = [row(1, { id: 'a', beforeFingerprint: 'f' }), row(2, { id: 'b' })]
    expect(rows.map(readsFirst)).toEqual([true, false])
    expect(notComparable([two, one], rows, { markOf })).toEqual([
      expect.stringMatching(/texts of the field.* A read them up to step 4\.$/),
    ])
    expect(notComparable([one], rows.slice(1), { markOf })).toEqual([])
  })

  it('say that losses of a new last layer and of an adapter do not compare', () => {
    const heads = [row(1, { method: 'head' }), row(2, { method: 'lora-head' })]
    expect(notComparable([], heads, { markOf: () => null })).toEqual([])
    expect(notComparable([], [...heads, row(3)], { markOf: () => null })).toEqual([
      expect.stringContaining('about labels'),
    ])
  })

  it('draw curves over time in the unit that they are read in', () => {
    const markOf = marksOf(['a'])
    const measured = (seconds: number) => curve('a', { train: [[seconds, 1]], validation: [] })
    const at = (seconds: number) => {
      const { xTitle, lines } = chartOf([measured(seconds)], { markOf, axis: 'time' })
      return [xTitle, lines[0]?.points[0]?.[0]]
    }
    expect(at(90)).toEqual(['seconds at work', 90])
    expect(at(600)).toEqual(['minutes at work', 10])
    expect(at(18_000)).toEqual(['hours at work', 5])
    expect(chartOf([measured(7)], { markOf, axis: 'tokens' }).xTitle).toBe('tokens read')
  })
})

describe('settings and figures', () => {
  it('mark a setting that is other than the first run’s', () => {
    const line = settingLine({
      path: 'optimizer.learningRate',
      values: [5e-4, 2e-4, 5e-4],
      isDifferent: true,
    })
    expect(line).toMatchObject({ values: ['5e-4', '2e-4', '5e-4'], isOther: [false, true, false] })
    expect(line.title).toBe('How strongly it learns')
    const goal = settingLine({ path: 'scenario', values: ['code', 'code'], isDifferent: false })
    expect([goal.title, ...goal.values]).toEqual(['Goal', 'Write code', 'Write code'])
    expect(settingLine({ path: 'some.newer.field', values: [1, null], isDifferent: true })).toMatchObject({
      title: 'some.newer.field',
      values: ['1', 'null'],
    })
  })

  it('say which texts a run read first, how often and how strongly, and that another read none', () => {
    const line = (path: string, values: (string | number | null)[]) =>
      settingLine({ path, values, isDifferent: true })
    const file = line('before.path', ['handbook.md', null])
    expect([file.title, ...file.values]).toEqual(['Texts of the field, read first', 'handbook.md', 'none'])
    expect(file.isOther).toEqual([false, true])
    const passes = line('before.epochs', [2, null])
    expect([passes.title, ...passes.values]).toEqual(['Times through the texts', '2', 'none'])
    const rate = line('before.learningRate', [2e-5, null])
    expect([rate.title, ...rate.values]).toEqual(['How strongly it learns from them', '2e-5', 'none'])
  })

  it('set figures beside each other that compare, and all others apart', () => {
    const value = (middle: number) => ({ value: middle, low: middle - 0.1, high: middle + 0.1 })
    const rows = [row(1), row(2, { method: 'head' }), row(3), row(4)]
    const metrics = [
      {
        metric: 'accuracy' as const,
        isHigherBetter: true,
        values: [value(0.8), value(0.7), value(0.6), null],
      },
      { metric: 'lossNats' as const, isHigherBetter: false, values: [value(1), value(2), null, null] },
    ]
    const groups = figureGroups(rows, { metrics, lockedRows: ['r', 'r', 'other', null] })
    expect(groups.map((group) => [group.metric, group.rows.map((one) => one.row.id)])).toEqual([
      // Other locked rows.
      ['accuracy', ['run-1', 'run-2']],
      ['accuracy', ['run-3']],
      // A loss of words, and one of labels.
      ['lossNats', ['run-1']],
      ['lossNats', ['run-2']],
    ])
    expect(groups[0]?.intervals).toEqual([value(0.8), value(0.7)])
  })

  it('are put together from parts as if they had come at once; what is not there yet differs from nothing', () => {
    const share = (value: number) => ({ value, low: value, high: value })
    const part = (seeds: number[], figures: (number | null)[]) =>
      factsOf({
        settings: [
          { path: 'seed', values: seeds, of: seeds.map((_, at) => at) },
          { path: 'threads', values: [2], of: seeds.map(() => 0) },
        ],
        metrics: [
          { metric: 'lossNats', isHigherBetter: false, values: figures.map(() => share(1)) },
          {
            metric: 'accuracy',
            isHigherBetter: true,
            values: figures.map((one) => (one === null ? null : share(one))),
          },
        ],
        lockedRows: figures.map((one) => (one === null ? null : 'r')),
      })
    const facts = [...part([7], [0.5]), ...part([8, 9], [null, 0.7])]
    const joined = joinFacts([...facts, null], new Set(['accuracy']))
    expect(joined.settings).toEqual([
      { path: 'seed', values: [7, 8, 9, null], isDifferent: true },
      { path: 'threads', values: [2, 2, 2, null], isDifferent: false },
    ])
    expect(joined.lockedRows).toEqual(['r', null, 'r', null])
    expect(joined.isThere).toEqual([true, true, true, false])
    // What decides comes first.
    expect(joined.metrics.map(({ metric }) => metric)).toEqual(['accuracy', 'lossNats'])
    expect(joined.metrics[0]?.values.map((one) => one?.value ?? null)).toEqual([0.5, null, 0.7, null])
  })

  // Bug: "Every setting is the same." while none was read, and "none" for those of runs that were still on their way.
  it('are not told while they are not there, nor that they are the same', () => {
    const known = { settings: new Map([['seed', 7]]), figures: new Map(), lockedRows: null }
    const beside = (...runs: (typeof known | null)[]) => settingsBeside(joinFacts(runs, new Set()))
    expect(beside(null, null)).toMatchObject({ noDifference: null, same: 0 })
    expect(beside(known, null)).toMatchObject({ noDifference: null, same: 0 })
    expect(beside(known, known)).toMatchObject({
      noDifference: 'experiments.compare.noDifference',
      same: 1,
    })
    const other = { ...known, settings: new Map([['seed', 8]]) }
    expect(beside(known, other)).toMatchObject({ noDifference: null, same: 0 })
    const told = (isThere: boolean[], ...values: (number | string | null)[]) => {
      const { values: texts, isOther } = settingLine(
        { path: 'before.path', values, isDifferent: true },
        isThere,
      )
      return [texts, isOther]
    }
    expect(told([true, false, true], 'a.md', null, null)).toEqual([
      ['a.md', '…', 'none'],
      [false, false, true],
    ])
    expect(told([false, true], null, 'a.md')).toEqual([
      ['…', 'a.md'],
      [false, false],
    ])
  })

  it('leave out how a search measures its trials, and nothing that a person changed', () => {
    const setting = (path: string, ...values: (number | string | null)[]) => ({
      path,
      values,
      isDifferent: new Set(values).size > 1,
    })
    const shares = setting('evaluation.atShares', null, null, '[0.5,1]')
    const kept = setting('checkpoints.keep', 3, 3, 12)
    const rank = setting('method.rank', 8, 8, 16)
    const every = setting('evaluation.everySteps', 10, 20, 10)
    const seed = setting('seed', 1, 1, 1)
    expect(settingsTried([seed, rank, shares, kept, every])).toEqual({
      tried: [rank, every],
      isMeasuredOtherwise: true,
    })
    expect(settingsTried([kept, seed])).toEqual({ tried: [kept], isMeasuredOtherwise: false })
  })

  it('have names whose end is read where there is little room', () => {
    expect(endApart('Seed 3')).toEqual({ beginning: 'Seed 3', end: '' })
    expect(endApart('Search of Bike shop messages, trial 5')).toEqual({
      beginning: 'Search of Bike shop messages,',
      end: 'trial 5',
    })
    expect(endApart('Bike shop messages in spring #12')).toEqual({
      beginning: 'Bike shop messages',
      end: 'in spring #12',
    })
    expect(endApart('x'.repeat(40))).toEqual({ beginning: 'x'.repeat(20), end: 'x'.repeat(20) })
  })

  it('are sorted by a column, what has no value last in either direction', () => {
    const rows = [3, null, 1, 2]
    const same = (value: number | null) => value
    expect(inOrder(rows, same, false)).toEqual([1, 2, 3, null])
    expect(inOrder(rows, same, true)).toEqual([3, 2, 1, null])
    expect(inOrder(['b', 'a10', 'a9'], (text) => text, false)).toEqual(['a9', 'a10', 'b'])
    expect(sortedAnew({ by: 'name', isDown: false }, 'name')).toEqual({ by: 'name', isDown: true })
    expect(sortedAnew({ by: 'name', isDown: true }, 'value', true)).toEqual({ by: 'value', isDown: true })
  })
})

// Compared runs without a browser: how they are told apart, what the chart draws, figures and settings beside each other,
// and runs and answers that come in parts.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import type { CallInput, OverlayCurve } from '#shared/contract/index.ts'
import { ProblemError } from '#shared/result.ts'
import { experimentRow as row } from './support/experiment-row.ts'
import { openTestPage } from './support/page.ts'

let isRefused = false
/** Runs that an answer is about at most. */
let atOnce = 1000
const existing = new Set(Array.from({ length: 400 }, (_, n) => `run-${n}`))
const refuse = (): void => {
  if (isRefused) throw new ProblemError({ code: 'journal.failed', message: 'm', where: 'w', remedy: 'r' })
}
const numberOf = (runId: string): number => Number(runId.slice('run-'.length))
const page = openTestPage({
  'experiments.list': ({ runIds = [] }) => {
    refuse()
    // In the journal's order, not in that of the question.
    const found = [...existing].filter((id) => runIds.includes(id)).map((id) => row(numberOf(id)))
    return { rows: found.toReversed(), total: found.length }
  },
  'experiments.curves': ({ runIds }) => ({
    curves: runIds.slice(0, atOnce).map((runId) => ({ runId, name: runId, train: [[1, 2]], validation: [] })),
  }),
  'experiments.compare': ({ runIds }) => {
    const ids = runIds.slice(0, atOnce)
    const values = [...new Set(ids.map((id) => numberOf(id) % 3))]
    return {
      settings: [
        { path: 'seed', values, of: ids.map((id) => values.indexOf(numberOf(id) % 3)) },
        { path: 'threads', values: [2], of: ids.map(() => 0) },
      ],
      metrics: [],
      lockedRows: ids.map(() => null),
    }
  },
  'experiments.answers': ({ runIds, offset = 0, limit = 25, columnOffset = 0, columnLimit = 24 }) => {
    answersRead = Math.min(runIds.length, answersRead + atOnce)
    const leftOut = runIds.slice(0, 2).map((runId) => ({ runId, reason: 'not-measured' }))
    if (answersRead < runIds.length)
      return { read: answersRead, answers: [], total: 0, different: 0, leftOut }
    const columns = runIds.slice(2).slice(columnOffset, columnOffset + columnLimit)
    const rows = Array.from({ length: Math.min(limit, 40 - offset) }, (_, n) => `row-${offset + n}`)
    const answers = rows.map((rowId) => ({
      rowId,
      prompt: null,
      expected: 'x',
      answers: columns.map((id) => ({ text: `${rowId} ${id}`, score: null })),
      isDifferent: true,
    }))
    return { read: answersRead, answers, total: 40, different: 40, leftOut }
  },
})
let answersRead = 0
const { chartOf, notComparable } = await import('#renderer/features/experiments/compare-chart.ts')
const { figureGroups, readsFirst, settingLine } = await import(
  '#renderer/features/experiments/compare-words.ts'
)
const { useComparedRuns } = await import('#renderer/features/experiments/compared-runs.ts')
const { useComparedAnswers } = await import('#renderer/features/experiments/compared-answers.ts')
const { letterAt, marksOf, mostInFull, mostLooks } = await import(
  '#renderer/features/experiments/run-marks.ts'
)
const { endApart } = await import('#renderer/features/experiments/label-end.ts')
const { settingsTried } = await import('#shared/measuring-settings.ts')
const { factsOf, joinFacts } = await import('#renderer/features/experiments/run-facts.ts')
const { spreadOf } = await import('#renderer/features/experiments/spread-lines.ts')
const { inOrder, sortedAnew } = await import('#renderer/features/experiments/sorting.ts')

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
  })

  it('has very many thin and grey, but for the one that is pointed at, which is named and has both lines', () => {
    const many = ids(40)
    const of = (picked: string | null) =>
      chartOf(
        many.map((id) => curve(id)),
        { markOf: marksOf(many), picked },
      ).lines
    expect(of(null).every(({ isFaint, id }) => isFaint === true && id !== undefined)).toBe(true)
    const strong = of('run-30').filter(({ isFaint }) => !isFaint)
    expect(strong.map(({ name, label, isPicked }) => [name, label, isPicked])).toEqual([
      ['AE Run run-30, training rows', '', undefined],
      ['AE Run run-30, rows not seen', 'AE Run run-30', true],
    ])
    expect(of('run-30')).toHaveLength(41)
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
    // What decides comes first.
    expect(joined.metrics.map(({ metric }) => metric)).toEqual(['accuracy', 'lossNats'])
    expect(joined.metrics[0]?.values.map((one) => one?.value ?? null)).toEqual([0.5, null, 0.7, null])
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

describe('the compared runs', () => {
  let scope = effectScope()
  beforeEach(() => {
    scope = effectScope()
    atOnce = 1000
  })
  afterEach(() => {
    scope.stop()
    isRefused = false
  })
  const open = (ticked: { readonly value: readonly string[] }) =>
    scope.run(() =>
      useComparedRuns(
        () => ({ ticked: ticked.value, axis: 'step', journal: '' }),
        () => {},
      ),
    )!

  it('stand in the order of their ticks; one that was removed is forgotten, one that cannot be asked for is not', async () => {
    const ticked = ref(['run-1', 'run-3', 'run-removed'])
    const forgotten: string[] = []
    const { comparison, problem, load } = scope.run(() =>
      useComparedRuns(
        () => ({ ticked: ticked.value, axis: 'step', journal: '' }),
        (runIds) => {
          forgotten.push(...runIds)
          ticked.value = ticked.value.filter((id) => !runIds.includes(id))
        },
      ),
    )!
    const shown = () => comparison.value?.rows.map(({ id }) => id)
    await vi.waitFor(() => expect(shown()).toEqual(['run-1', 'run-3']))
    expect(forgotten).toEqual(['run-removed'])
    // Bug: every tick went where the journal could not be read for a moment.
    isRefused = true
    await load()
    expect(problem.value?.code).toBe('journal.failed')
    expect([shown(), ticked.value]).toEqual([
      ['run-1', 'run-3'],
      ['run-1', 'run-3'],
    ])
    isRefused = false
    await load()
    expect(problem.value).toBeNull()
  })

  it('come in parts where they are many, every one of them, and only what is new is read again', async () => {
    atOnce = 30
    const ticked = ref(ids(250))
    const { comparison } = open(ticked)
    await vi.waitFor(() => expect(comparison.value?.read).toBe(250))
    expect(comparison.value?.curves.map(({ runId }) => runId)).toEqual(ids(250))
    const seeds = comparison.value?.settings.find(({ path }) => path === 'seed')
    expect(seeds?.values).toEqual(ids(250).map((id) => numberOf(id) % 3))
    page.calls.length = 0
    ticked.value = [...ids(250), 'run-399']
    await vi.waitFor(() => expect(comparison.value?.read).toBe(251))
    const asked = page.calls.map(({ name, input }) => [
      name,
      (input as CallInput<'experiments.compare'>).runIds,
    ])
    expect(asked).toEqual([
      ['experiments.list', ['run-399']],
      ['experiments.compare', ['run-399']],
      ['experiments.curves', ['run-399']],
    ])
  })

  it('are read alone where one of them learns on', async () => {
    const { comparison } = open(ref(ids(3)))
    await vi.waitFor(() => expect(comparison.value?.read).toBe(3))
    page.calls.length = 0
    page.tell('experiments.changed', { runId: 'run-1' })
    page.tell('experiments.changed', { runId: 'run-300' })
    await vi.waitFor(() => expect(page.calls).toHaveLength(3), { timeout: 5000 })
    expect(page.calls.map(({ input }) => (input as CallInput<'experiments.compare'>).runIds)).toEqual([
      ['run-1'],
      ['run-1'],
      ['run-1'],
    ])
  })
})

describe('answers of compared runs', () => {
  const scope = effectScope()
  afterEach(() => scope.stop())

  it('come in pages of rows and of runs, after all were read, each in its place', async () => {
    answersRead = 0
    atOnce = 20
    const { found, read, standing, columns, moreRows, moreColumns } = scope.run(() =>
      useComparedAnswers(() => ({ runIds: ids(62), journal: '' })),
    )!
    await vi.waitFor(() => expect(found.value?.answers).toHaveLength(25))
    expect([read.value, standing.value.length, columns.value.length]).toEqual([null, 60, 24])
    await vi.waitFor(() => expect(columns.value[0]).toEqual({ runId: 'run-2', label: 'Run 2' }))
    await moreColumns()
    await moreRows()
    await moreColumns()
    await moreColumns()
    expect(columns.value).toHaveLength(60)
    const { answers } = found.value!
    expect(answers.map(({ rowId }) => rowId)).toEqual(Array.from({ length: 40 }, (_, n) => `row-${n}`))
    for (const answer of answers)
      expect(answer.answers.map((one) => one?.text)).toEqual(
        standing.value.map((id) => `${answer.rowId} ${id}`),
      )
    expect(page.calls.filter(({ name }) => name === 'experiments.answers').length).toBeGreaterThan(4)
  })
})

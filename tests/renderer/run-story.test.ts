import { describe, expect, it } from 'vitest'
import type { Diagnosis, TrainingView } from '#shared/contract/index.ts'
import { openTestPage } from './support/page.ts'

openTestPage({})
const { hasVersion } = await import('#renderer/features/training/run-version.ts')
const { bestOf, borderLine, chartOf, headingOf, isWithoutVersion, lineOf, partLine, tookOf } = await import(
  '#renderer/features/training/run-story.ts'
)

const finding = (kind: Diagnosis['kind'], severity: Diagnosis['severity'] = 'warning'): Diagnosis => ({
  kind,
  severity,
  step: 30,
  sentence: '',
  reason: '',
  help: '',
})
const points = (...losses: number[]) => losses.map((lossNats, i) => ({ step: 10 * i, lossNats }))

function viewOf(
  state: object,
  more: { validation?: object[]; train?: object[]; patience?: number | null } = {},
) {
  const { validation = points(2.5, 0.9, 0.6, 0.8), train = points(2.5, 0.8, 0.4, 0.2), patience = 3 } = more
  return {
    state: {
      status: 'running',
      step: 30,
      totalSteps: 50,
      timeLeftMs: 120_000,
      tokensPerSecond: 268.4,
      bestStep: 20,
      diagnoses: [],
      ...state,
    },
    run: { recipe: { evaluation: { patience }, before: null } },
    train,
    validation,
    waiting: null,
    goesOnWith: null,
  } as unknown as TrainingView
}

describe('the heading of a run', () => {
  it('is its strongest finding while it trains and when it has finished', () => {
    const diagnoses = [finding('memorising'), finding('stopped-early', 'note')]
    expect(headingOf(viewOf({ diagnoses }))).toBe('Learning, and past its best')
    expect(headingOf(viewOf({ diagnoses, status: 'finished' }))).toBe('Finished, past its best')
  })

  it('does not praise a run that lies flat above guessing', () => {
    expect(headingOf(viewOf({ diagnoses: [finding('converged', 'good')] }))).toBe(
      'It has learned what it can',
    )
    expect(headingOf(viewOf({ diagnoses: [finding('converged')] }))).toBe('It no longer gets better')
  })

  it('says below it that weights are brought into fewer bits, which takes minutes', () => {
    expect(lineOf(viewOf({ phase: 'quantising', step: 0 }))).toMatch(/fewer bits \(quantised\).*Step 0 of 50/)
    expect(lineOf(viewOf({ phase: 'training' }))).not.toContain('quantised')
  })

  it('says at once what was asked for, also where the step under way still ends', () => {
    const pausing = viewOf({ phase: 'pausing', diagnoses: [finding('memorising')] })
    expect(headingOf(pausing)).toBe('Pausing…')
    expect(lineOf(pausing)).toContain('The step under way ends first')
    expect(headingOf(viewOf({ phase: 'stopping', status: 'paused' }))).toBe('Stopping…')
  })

  it('praises a run that still learns only while its loss falls', () => {
    const headingWith = (severity: Diagnosis['severity']) =>
      headingOf(viewOf({ diagnoses: [finding('still-learning', severity)] }))
    expect(headingWith('good')).toBe('Learning well')
    expect(headingWith('note')).toBe('Learning')
  })

  it('is how the run stands where nothing was found, and where it stands still or broke off', () => {
    expect(headingOf(viewOf({}))).toBe('Learning')
    expect(headingOf(viewOf({ status: 'paused', diagnoses: [finding('memorising')] }))).toBe('Paused')
    expect(headingOf(viewOf({ status: 'failed', diagnoses: [finding('diverged')] }))).toBe('Not finished')
  })
})

describe('the line below it', () => {
  it('says step, time and speed', () => {
    const { validation } = viewOf({})
    expect(lineOf(viewOf({ bestStep: 30 }, { validation: [...validation] }))).toBe(
      'Step 30 of 50 · about 2 min left · 268 tokens a second',
    )
  })

  it('promises no more than "at most" where the run may stop by itself', () => {
    expect(lineOf(viewOf({}))).toContain('at most about 2 min left')
    expect(lineOf(viewOf({}, { patience: null }))).not.toContain('at most')
  })

  it('has no step before the plan is there', () => {
    const early = viewOf({ totalSteps: 0, timeLeftMs: null, tokensPerSecond: null, bestStep: null })
    expect(headingOf(early)).toBe('Getting ready')
    expect(lineOf(early)).toBe('The model and your rows are being loaded')
    const failed = viewOf({ ...early.state, status: 'failed' })
    expect(lineOf(failed)).toBe('It ended before its first step.')
  })
})

describe('the chart', () => {
  it('marks the kept version, and tints what came after the best', () => {
    const chart = chartOf(viewOf({ diagnoses: [finding('memorising')] }))
    expect(chart.mark).toEqual({ x: 20, text: 'kept: step 20' })
    expect(chart.band).toEqual({ from: 20, to: 30 })
    expect(chart.lastX).toBe(50)
  })

  it('tints nothing where nothing got worse, and marks nothing before a second measurement', () => {
    expect(chartOf(viewOf({ diagnoses: [finding('still-learning', 'good')] })).band).toBeNull()
    expect(chartOf(viewOf({ bestStep: 0 }, { validation: points(2.5) })).mark).toBeNull()
  })

  it('shows that the model as it was is the best one', () => {
    expect(chartOf(viewOf({ bestStep: 0 }, { validation: points(1, 2) })).mark?.text).toBe('kept: step 0')
  })
})

it('says that a run waits, and for what, whatever it did before; a stranger’s name changes no direction of writing', () => {
  const reason = 'It waits for the run “Fi\u202Erm”: about 6 minutes left.'
  const waiting = (state: object) => ({
    ...viewOf({ diagnoses: [finding('memorising')], ...state }),
    waiting: reason,
  })
  const fresh = waiting({ status: 'queued', step: 0, totalSteps: 0 })
  expect(headingOf(fresh)).toBe('Waiting for its turn')
  expect(lineOf(fresh)).toMatch(/^It waits for the run “Fi[^\u202E]*rm”: about 6 minutes left\.$/)
  const continued = waiting({ status: 'cancelled' })
  expect(headingOf(continued)).toBe('Waiting for its turn')
  expect(lineOf(continued)).toMatch(/left\. · Step 30 of 50$/)
})

it('names the lowest loss once there are two measurements', () => {
  expect(bestOf(viewOf({}))).toBe('Lowest on rows it has not seen: 0.60 at step 20')
  expect(bestOf(viewOf({}, { validation: points(2) }))).toBeNull()
})

describe('a run that reads texts of the field first', () => {
  const texts = [1, 2, 3, 4].map((step) => ({ step, stage: 1, epoch: step / 4, lossNats: 4 - step / 10 }))
  const examples = [5, 6, 7].map((step) => ({ step, lossNats: 1 - step / 100 }))
  const recipe = {
    evaluation: { patience: null },
    before: { fingerprint: 'f', epochs: 1, learningRate: null },
    method: { kind: 'lora', topLayers: 2 },
    reuseFrozenLayers: true,
  }
  const twoPartsOf = (state: object, more: { train?: object[]; validation?: object[] } = {}, with_ = {}) => {
    const view = viewOf({ bestStep: null, ...state }, { train: texts, validation: [], ...more })
    return { ...view, run: { recipe }, canContinue: true, ...with_ } as unknown as TrainingView
  }
  const second = { train: [...texts, ...examples], validation: [{ step: 4, lossNats: 2 }] }

  it('says in which part it is, first of all', () => {
    expect(lineOf(twoPartsOf({ step: 3 }, { train: texts.slice(0, 3) }))).toMatch(
      /^Part 1 of 2: reading texts of your field · Step 3 of 50/,
    )
    expect(lineOf(twoPartsOf({ step: 7 }, second))).toMatch(
      /^Part 2 of 2: learning from your examples · Step/,
    )
    expect(partLine(twoPartsOf({ status: 'finished' }, second))).toBe('')
    expect(lineOf(viewOf({}))).not.toContain('Part')
  })

  it('has a version to keep from its first measurement on', () => {
    expect(isWithoutVersion(twoPartsOf({}))).toBe(true)
    expect(isWithoutVersion(twoPartsOf({}, { validation: second.validation }))).toBe(false)
    expect(isWithoutVersion(twoPartsOf({}, { train: second.train }))).toBe(false)
    expect(isWithoutVersion(viewOf({}, { validation: [] }))).toBe(false)
  })

  it('says what a stop leaves, while it stops and afterwards', () => {
    expect(lineOf(twoPartsOf({ phase: 'stopping' }))).toContain('there is no version yet')
    expect(lineOf(twoPartsOf({ phase: 'stopping' }, second))).toContain('the best version is kept')
    const stopped = { status: 'cancelled', timeLeftMs: null }
    expect(headingOf(twoPartsOf(stopped))).toBe('Stopped before your examples')
    const within = { train: texts.slice(0, 3) }
    expect(lineOf(twoPartsOf(stopped, within))).toMatch(
      /^It ended in part 1 of 2.*no version.*can be continued/,
    )
    // Bug: after the last text it still said part 1.
    expect(lineOf(twoPartsOf(stopped))).toMatch(
      /^It ended between its two parts.*no version.*can be continued/,
    )
    for (const seen of [within, {}])
      expect(lineOf(twoPartsOf(stopped, seen, { canContinue: false }))).not.toContain('can be continued')
    expect(headingOf(twoPartsOf(stopped, second))).toBe('Stopped')
    expect(lineOf(twoPartsOf(stopped, second))).not.toContain('version')
  })

  it('is drawn as two lines with a border between them', () => {
    const early = chartOf(twoPartsOf({}))
    expect(early.lines.map(({ name, points }) => [name, points.length])).toEqual([['texts', 4]])
    expect(early.border).toEqual({ x: 4, text: 'your examples begin' })
    const { lines, border } = chartOf(twoPartsOf({}, second))
    expect(lines.map(({ name, points }) => [name, points.map(([x]) => x)])).toEqual([
      ['texts', [1, 2, 3, 4]],
      ['training rows', [5, 6, 7]],
      ['rows it has not seen', [4]],
    ])
    expect(border).toEqual({ x: 4, text: 'your examples begin' })
    expect(borderLine(twoPartsOf({}, second))).toContain('Up to step 4 ')
    expect(chartOf(viewOf({})).border).toBeNull()
  })

  it('shows where the examples will begin from the first step on', () => {
    const first = twoPartsOf({ step: 1 }, { train: texts.slice(0, 1) })
    expect(chartOf(first).border?.x).toBe(4)
    expect(borderLine(first)).toMatch(/^Up to step 4 it reads texts of your field, after it come/)
    const twice = { run: { recipe: { ...recipe, before: { ...recipe.before, epochs: 2.5 } } } }
    expect(chartOf(twoPartsOf({ step: 1 }, { train: texts.slice(0, 1) }, twice)).border?.x).toBe(10)
    expect(chartOf(twoPartsOf({}, { train: [] })).border).toBeNull()
  })

  it('says between its parts that the second is being got ready', () => {
    const between = lineOf(twoPartsOf({ phase: 'preparing', step: 4 }))
    expect(between).toMatch(/^Part 2 of 2: .* · The texts are read, and your examples are being got ready · /)
    const goingOn = lineOf(twoPartsOf({ phase: 'preparing', step: 2 }, { train: texts.slice(0, 2) }))
    expect(goingOn).toMatch(/^Part 1 of 2: .* · The model and your rows are being loaded · /)
  })

  it('says before the first step of a part what takes its time', () => {
    const atStart = (state: object) => lineOf(twoPartsOf({ phase: 'training', ...state }, { train: [] }))
    expect(atStart({})).toContain('computed once and kept')
    expect(atStart({ status: 'paused' })).not.toContain('computed once')
    const within = { train: texts.slice(0, 3) }
    expect(lineOf(twoPartsOf({ phase: 'training' }, within))).not.toContain('computed once')
    const measured = twoPartsOf({ phase: 'evaluating' })
    expect(lineOf(measured)).toMatch(/^Part 2 of 2: learning from your examples · First it is measured/)
    expect(isWithoutVersion(measured)).toBe(true)
    const atBorder = { train: texts, validation: second.validation }
    expect(lineOf(twoPartsOf({ phase: 'training' }, atBorder))).toContain('computed once and kept')
    const all = { run: { recipe: { ...recipe, method: { kind: 'lora', topLayers: null } } } }
    expect(lineOf(twoPartsOf({ phase: 'training' }, { train: [] }, all))).toContain(
      'The first step is under way ·',
    )
  })
})

describe('how long a run took', () => {
  const minutes = (workedMs: number | null, spanMs: number | null) =>
    tookOf({ workedMs: workedMs && workedMs * 60_000, spanMs: spanMs && spanMs * 60_000 })

  it('is its time at work, with the whole span where it paused or the program was closed', () => {
    expect(minutes(3, 120)).toBe('3 min of work, over 2 h')
    expect(minutes(3, 3.5)).toBe('3 min')
    // Both read the same.
    expect(minutes(598, 605)).toBe('10 h')
    expect(minutes(null, null)).toBeNull()
  })
})

it('a stopped run is asked whether it got better only where it measured a version', () => {
  expect(hasVersion({ status: 'cancelled', bestStep: 0 })).toBe(true)
  expect(hasVersion({ status: 'cancelled', bestStep: null })).toBe(false)
  expect(hasVersion({ status: 'finished', bestStep: null })).toBe(true)
  expect(hasVersion({ status: 'crashed', bestStep: 8 })).toBe(false)
})

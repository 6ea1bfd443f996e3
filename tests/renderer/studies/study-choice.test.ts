// A search before it begins: what is typed becomes a request that the contract takes, or a reason at its field.
import { describe, expect, it } from 'vitest'
import {
  budgetWord,
  endWord,
  lengthWord,
  settingsWord,
  trialsWord,
  trialTime,
} from '#renderer/features/studies/plan-facts.ts'
import {
  dimensionKey,
  type ProposedDimension,
  readDimension,
  readSpace,
  settingTerm,
  settingTitle,
  settingValue,
  shownDimension,
  withEdit,
  writeStudied,
} from '#renderer/features/studies/space-form.ts'
import {
  countChanges,
  firstChoice,
  readChoice,
  type StudyChoice,
  shownTrials,
  withoutChanges,
} from '#renderer/features/studies/study-choice.ts'
import { nextTimeMs, readTime, writeTime } from '#renderer/features/studies/study-hours.ts'
import { shownFields } from '#renderer/features/wizard/recipe-form.ts'
import { type StudyPlan, studyCalls } from '#shared/contract/studies.ts'
import type { StudyBudget } from '#shared/study.ts'
import { sampleSpace } from './sample-study.ts'

const noon = new Date(2026, 10, 30, 12).getTime()
const read = (part: Partial<StudyChoice>, proposed: StudyBudget | null = null) =>
  readChoice({ ...firstChoice, ...part }, proposed, noon)
const plan = { projectId: 'p', preset: 'balanced', changes: {} } as const

describe('a choice', () => {
  it('asks for what the effort proposes until something is chosen', () => {
    const { request, wrong, name } = read({})
    expect(studyCalls['studies.plan'].input.safeParse({ ...plan, ...request }).success).toBe(true)
    expect([request.budget, wrong, name]).toEqual([undefined, {}, undefined])
  })

  it('ends at a time of day, after hours or trials', () => {
    const none = { trials: null, workMs: null, untilMs: null }
    const seven = new Date(2026, 11, 1, 7).getTime()
    expect(read({ limit: 'until', until: '7:00' }).request.budget).toEqual({ ...none, untilMs: seven })
    expect(read({ limit: 'hours', hours: '1,5' }).request.budget).toEqual({ ...none, workMs: 5_400_000 })
    expect(read({ limit: 'trials', trials: ' 30 ' }).request.budget).toEqual({ ...none, trials: 30 })
    for (const limit of ['until', 'hours', 'trials'] as const) {
      const { request } = read({ limit })
      expect(studyCalls['studies.start'].input.safeParse({ ...plan, ...request }).success, limit).toBe(true)
    }
  })

  it('a number of trials is what the effort proposes until it is typed, and then stays', () => {
    // Bug to guard against: a short search of 12 trials jumped to 30 where the limit was to be its trials.
    const proposed = (trials: number | null) => ({ trials, workMs: null, untilMs: null })
    const budgetOf = (trials: string | null, effort: number | null) =>
      read({ limit: 'trials', trials }, proposed(effort)).request.budget?.trials
    expect([budgetOf(null, 12), budgetOf(null, 100), budgetOf(null, null)]).toEqual([12, 100, 30])
    // Over night as many as fit: no number that anybody would choose.
    expect(budgetOf(null, 300)).toBe(30)
    expect([budgetOf('5', 12), budgetOf('5', 100), budgetOf('5', null)]).toEqual([5, 5, 5])
    expect(shownTrials({ trials: '' }, proposed(12))).toBe('')
    expect(read({ limit: 'trials', trials: '' }, proposed(12)).wrong.trials).toMatch(/^Write a whole number/)
  })

  it.each([
    [{ limit: 'until', until: '25:00' }, 'until'],
    [{ limit: 'until', until: '' }, 'until'],
    [{ limit: 'hours', hours: '0' }, 'hours'],
    [{ limit: 'hours', hours: '0.0001' }, 'hours'],
    [{ limit: 'hours', hours: '1e9' }, 'hours'],
    [{ limit: 'trials', trials: '1.5' }, 'trials'],
    [{ limit: 'trials', trials: '10001' }, 'trials'],
    [{ isAtNight: true, night: { from: '22', to: '07:00' } }, 'night'],
    [{ night: { from: '22:00', to: '' } }, 'night'],
    [{ isAtNight: true, night: { from: '7:00', to: '07:00' } }, 'night'],
    [{ confirmSeeds: '11' }, 'confirmSeeds'],
    [{ confirmSeeds: '2' }, 'confirmSeeds'],
    [{ confirmSeeds: '' }, 'confirmSeeds'],
    [{ seed: '-1' }, 'seed'],
    [{ seed: '4294967296' }, 'seed'],
    [{ name: 'x'.repeat(201) }, 'name'],
  ] as const)('%j is refused at its field, in words', (part, field) => {
    const { wrong, request } = read(part as Partial<StudyChoice>)
    expect(Object.keys(wrong)).toEqual([field])
    expect(wrong[field]).toMatch(/\S/)
    expect(studyCalls['studies.plan'].input.safeParse({ ...plan, ...request }).success).toBe(true)
  })

  it('what is wrong in a field that is not shown does not count', () => {
    expect(read({ hours: 'x', isAtNight: false, night: { from: 'x', to: 'x' } }).wrong).toEqual({})
  })

  it('works at night where it is over night, unless a person says otherwise, and at the hours that they set', () => {
    // Bug to guard against: "Search tonight" opened with the night hours off.
    const usual = { fromMinute: 1320, toMinute: 420 }
    const scheduleOf = (part: Partial<StudyChoice>) => read(part).request.schedule
    expect(scheduleOf({ effort: 'night' })).toEqual(usual)
    expect([scheduleOf({ effort: 'short' }), scheduleOf({ effort: 'thorough' })]).toEqual([null, null])
    expect(scheduleOf({ effort: 'night', isAtNight: false })).toBe(null)
    expect(scheduleOf({ effort: 'short', isAtNight: true })).toEqual(usual)
    const night = { from: '0:30', to: '5.15' }
    expect(scheduleOf({ night })).toEqual({ fromMinute: 30, toMinute: 315 })
  })

  it('three seeds or more confirm, or none', () => {
    const seedsOf = (confirmSeeds: string) => read({ confirmSeeds }).request.confirmSeeds
    expect([seedsOf('0'), seedsOf('3'), seedsOf('10')]).toEqual([0, 3, 10])
  })

  it('has a name', () => expect(read({ name: ' Rank ' }).name).toBe('Rank'))

  it('counts its fine settings and forgets them', () => {
    const own = {
      ...firstChoice,
      effort: 'short',
      seed: '7',
      space: { 'method.rank': { isIncluded: false } },
    } as const
    expect(countChanges(own)).toBe(2)
    expect(countChanges({ ...own, ...withoutChanges })).toBe(0)
    expect({ ...own, ...withoutChanges }.effort).toBe('short')
  })
})

describe('times of day', () => {
  it('are read and written', () => {
    expect(['07:00', '7.30', '23:59', '24:00', '7:60', 'seven', ''].map(readTime)).toEqual([
      420,
      450,
      1439,
      null,
      null,
      null,
      null,
    ])
    expect([0, 425, 1439].map(writeTime)).toEqual(['00:00', '07:05', '23:59'])
  })

  it('are today where they are to come, else tomorrow', () => {
    expect(nextTimeMs(13 * 60, noon)).toBe(noon + 3_600_000)
    expect(nextTimeMs(12 * 60, noon)).toBe(new Date(2026, 11, 1, 12).getTime())
  })
})

describe('ranges', () => {
  const proposed: readonly ProposedDimension[] = sampleSpace.map((dimension, index) => ({
    dimension,
    isIncluded: index < 3,
    reason: 'r',
  }))
  const [rate, epochs, rank] = proposed as [ProposedDimension, ProposedDimension, ProposedDimension]

  it('are left to the program while nothing of them is changed', () => {
    expect(readSpace(proposed, {})).toEqual({ space: undefined, wrong: {}, nothing: '' })
    expect(readSpace([], {})).toEqual({ space: undefined, wrong: {}, nothing: '' })
  })

  it('are a space with a person’s ends, without what is off', () => {
    const { space } = readSpace(proposed, {
      'optimizer.learningRate': { low: '1e-4', high: '0,001' },
      'duration.epochs': { isIncluded: false },
    })
    expect(space).toEqual([{ ...rate.dimension, low: 1e-4, high: 1e-3 }, rank.dimension])
    expect(readSpace(proposed, { 'schedule.kind': { isIncluded: true } }).space).toHaveLength(4)
  })

  it('say at the field what cannot be taken', () => {
    const wrong = (one: ProposedDimension, edit: Parameters<typeof readDimension>[1]) =>
      readDimension(one, edit).wrong
    expect(wrong(rate, { low: '0.1' })).toEqual({ high: 'The lower end comes first.' })
    expect(wrong(rate, { low: 'x', high: '7' })).toEqual({
      low: expect.stringMatching(/^Write a number/),
      high: expect.stringMatching(/at most 1\./),
    })
    expect(
      wrong(
        {
          ...epochs,
          dimension: {
            ...epochs.dimension,
            path: 'regularisation.labelSmoothing',
          } as typeof epochs.dimension,
        },
        { low: '0', high: '0.1', isLog: true },
      ),
    ).toEqual({ low: 'A range by factors (log scale) begins above 0.' })
    expect(wrong(rank, { values: [] })).toEqual({ values: 'Choose at least one value.' })
    const whole = {
      ...epochs,
      dimension: { kind: 'whole', path: 'method.rank', low: 4, high: 32, isLog: true, onlyWhen: null },
    } as const
    expect(wrong(whole, { low: '4.5' })).toEqual({ low: expect.stringMatching(/^Write a whole number/) })
    expect(readSpace(proposed, { 'optimizer.learningRate': { low: 'x' } })).toMatchObject({
      space: undefined,
      wrong: { 'optimizer.learningRate': { low: expect.any(String) } },
    })
  })

  it('say where nothing is left', () => {
    const off = Object.fromEntries(
      proposed.map(({ dimension }) => [dimensionKey(dimension), { isIncluded: false }]),
    )
    expect(readSpace(proposed, off)).toEqual({
      space: undefined,
      wrong: {},
      nothing: 'Leave at least one setting to try.',
    })
  })

  it('an edit back to what is proposed is none', () => {
    const edited = withEdit({}, rate, { low: '1e-4' })
    expect(shownDimension(rate, edited['optimizer.learningRate'])).toMatchObject({
      low: '1e-4',
      high: '0.002',
    })
    expect(withEdit(edited, rate, { low: '0.00001' })).toEqual({
      'optimizer.learningRate': { low: '0.00001' },
    })
    expect(withEdit(edited, rate, { low: '1e-5' })).toEqual({})
  })

  it('are told apart where one setting stands twice under other conditions', () => {
    const onlyWhen = { path: 'method.kind', values: ['full'] }
    expect(dimensionKey({ ...rate.dimension, onlyWhen })).not.toBe(dimensionKey(rate.dimension))
  })

  it('have words for every setting, and its own name for one that is no more', () => {
    expect(settingTitle('optimizer.learningRate')).toBe('How strongly it learns')
    const worded = shownFields.filter(({ path }) => settingTitle(path) !== path && settingTerm(path) !== '')
    expect(worded).toHaveLength(shownFields.length)
    expect(settingTitle('method.gone')).toBe('method.gone')
    expect(settingValue('method.gone', 'x')).toBe('x')
    expect(settingValue('method.topLayers', null)).toBe('All layers')
    expect(settingValue('method.base', 'int4')).toBe('4 bits (int4)')
    expect(settingValue('method.rank', undefined)).toBe('—')
    expect([0.000234567, 0.0456, 2.14159, 16, 1e-7].map(writeStudied)).toEqual([
      '2.35e-4',
      '0.0456',
      '2.14',
      '16',
      '1e-7',
    ])
  })
})

describe('a plan in figures', () => {
  it('says trials, their time and limits', () => {
    expect(trialsWord({ trials: { low: 24, high: 36 } })).toBe('24 to 36 trials')
    expect(trialsWord({ trials: { low: 1, high: 1 } })).toBe('1 trial')
    expect(trialsWord({ trials: null })).toBe('trials not known yet')
    expect(trialTime({ trialSeconds: { low: 240, high: 360 } })).toBe('about 4 to 6 min')
    expect(trialTime({ trialSeconds: null })).toBe(null)
    expect(trialTime({ trialSeconds: { low: 0.3, high: 0.9 } })).toBe('less than 5 s')
    expect(trialTime({ trialSeconds: { low: 2, high: 9 } })).toBe('up to about 10 s')
    expect(budgetWord({ trials: 12, workMs: null, untilMs: null })).toBe('at most 12 trials')
    const until = (untilMs: number) => budgetWord({ trials: null, workMs: null, untilMs }, noon)
    expect(until(noon + 3_600_000)).toBe('until 13:00 today')
    expect(until(new Date(2026, 11, 1, 7).getTime())).toBe('until 07:00 tomorrow')
    expect(until(new Date(2026, 11, 9, 7).getTime())).toMatch(/^until Dec 9, 2026/)
    expect(budgetWord({ trials: 1, workMs: 3_600_000, untilMs: null })).toBe(
      '60 min of work, at most 1 trial',
    )
  })

  const planned = (part: Partial<StudyPlan>): StudyPlan => ({
    effort: 'short',
    dimensions: [],
    sampler: 'tpe',
    budget: { trials: 12, workMs: null, untilMs: null },
    trials: { low: 12, high: 12 },
    trialSeconds: { low: 300, high: 600 },
    workSeconds: { low: 2400, high: 5400 },
    priors: 0,
    confirmSeeds: 3,
    parallel: 1,
    sentences: [],
    blocking: null,
    ...part,
  })

  it('says what ends it and how long that takes, as its sentences do', () => {
    expect(endWord(planned({}).budget)).toBe('Ends after 12 trials')
    expect(lengthWord(planned({}))).toBe('about 40 min to 1.5 h in all')
    expect(lengthWord(planned({ workSeconds: { low: 3600, high: 5 * 86_400 } }))).toBe(
      'at most about 5 days in all',
    )
    expect(lengthWord(planned({ workSeconds: null }))).toBe('how long is not known yet')
  })

  it('says of a time how many trials fit', () => {
    const until = { trials: 300, workMs: null, untilMs: new Date(2026, 11, 1, 7).getTime() }
    expect(endWord(until, noon)).toBe('Ends at 07:00 tomorrow')
    expect(endWord({ trials: null, workMs: 3_600_000, untilMs: null })).toBe('Ends after 60 min of work')
    const night = planned({ budget: until, trials: { low: 40, high: 60 } })
    expect(lengthWord(night)).toBe('as many trials as fit: 40 to 60 trials')
  })

  it('counts what it changes', () => {
    const dimensions = sampleSpace.map((dimension, index) => ({
      dimension,
      isIncluded: index < 1,
      reason: '',
    }))
    expect(settingsWord({ dimensions })).toBe('changes 1 setting')
  })
})

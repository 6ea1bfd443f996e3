// What a study says of itself: better, no better, worse, not known; and what it saved.
import { expect, test } from 'vitest'
import { savedWorkOf } from '#core/tuning/saved-work.ts'
import { timeOverReason } from '#core/tuning/study-budget.ts'
import { verdictOf } from '#core/tuning/study-verdict.ts'
import { winnerLink } from '#core/tuning/winner-link.ts'
import { type StudyStatus, type StudyTrial, studyStatuses } from '#shared/study.ts'
import { distrustWords } from '#shared/trial-words.ts'
import { recordedWork, recordedTrial as trial } from './recorded-trials.ts'
import { specOf } from './scripted-studies.ts'

const spec = specOf({ confirmSeeds: 3 })
const confirmed = (preset: readonly number[], winner: readonly number[]): StudyTrial[] => [
  trial(0, { lossNats: 0.9 }),
  ...preset.map((lossNats, at) => trial(1 + at, { purpose: 'preset', lossNats })),
  ...winner.map((lossNats, at) => trial(9 + at, { purpose: 'winner', lossNats })),
]
const study = { status: 'finished', spec, reason: null, schedule: null } as const

test('of trials whose losses do not count it is not said that none came to its end', () => {
  const reason = distrustWords.untrue
  const refused = [0, 1].map((number) => trial(number, { status: 'failed', lossNats: null, reason }))
  expect(verdictOf(study, refused)).toMatchObject({
    kind: 'nothing-found',
    sentence: 'The search is over: none of its trials has a loss that counts, so what it found is not known.',
    reasons: [reason],
  })
})

test('better only where the interval lies above what seeds change', () => {
  const better = verdictOf(study, confirmed([1.5, 1.51, 1.49], [1.2, 1.21, 1.19]))
  expect(better).toMatchObject({ kind: 'better', gain: { value: expect.closeTo(0.3, 9) } })
  expect(better.gain!.low).toBeGreaterThan(0.2)
  expect(better.sentence).toContain('its validation loss is lower by 0.3000 nats')
  // Its loss when it was chosen was luck, and is no part of it.
  expect(better.reasons.join(' ')).toContain('When it was chosen its loss was 0.9000')
  expect(verdictOf(study, confirmed([1.5, 1.2, 1.8], [1.4, 1.1, 1.7]))).toMatchObject({
    kind: 'no-difference',
    sentence: expect.stringContaining('No better than the plan beyond what seeds change'),
  })
  expect(verdictOf(study, confirmed([1.2, 1.21, 1.19], [1.5, 1.51, 1.49]))).toMatchObject({ kind: 'worse' })
})

test('only what was confirmed is linked as the winner', () => {
  const linkOf = (preset: readonly number[], winner: readonly number[]) =>
    winnerLink({ ...study, id: 'study' }, confirmed(preset, winner))
  expect(linkOf([1.5, 1.51, 1.49], [1.2, 1.21, 1.19])).toEqual({
    ...{ runId: 'run-0', kind: 'winner-of', parent: 'study' },
  })
  expect(linkOf([1.5, 1.2, 1.8], [1.4, 1.1, 1.7])).toBeNull()
  expect(linkOf([], [])).toBeNull()
  // While more of its runs with other seeds are to come nothing is decided; what was stopped is by those that came.
  const status = (now: StudyStatus) =>
    winnerLink(
      { ...study, id: 'study', status: now, spec: specOf({ confirmSeeds: 5 }) },
      confirmed([1.5, 1.51, 1.49], [1.2, 1.21, 1.19]),
    )
  expect([status('paused'), status('stopped')]).toMatchObject([null, { runId: 'run-0' }])
})

const searched = [
  trial(0, { lossNats: 1.2 }),
  trial(1, { status: 'pruned', lossNats: 2 }),
  trial(2, { lossNats: 0.9 }),
  trial(3, { status: 'planned', lossNats: null, endedAtMs: null }),
]
const stages = {
  'no trial': [],
  'none at its end': [trial(0, { status: 'pruned' }), trial(1, { status: 'stopped', lossNats: null })],
  'some trials': searched,
  'half confirmed': confirmed([1.5], [1.2]),
  confirmed: confirmed([1.5, 1.51, 1.49], [1.2, 1.21, 1.19]),
} as const
const noneYet = 'no trial has come to its end yet.'
const bestYet = 'Trial 3 has the lowest loss so far, 0.9000 nats.'
const nothing = 'no trial came to its end, so nothing was found.'
const unsure = (number: number) =>
  `trial ${number} has the lowest loss, 0.9000 nats. Whether it is better than the plan beyond luck is not known.`
const better =
  'Better than the plan as it was, also with seeds that the search did not use: its validation loss is lower by 0.3000 nats (95 % interval 0.2773 to 0.3227).'

/** For every status and stage: the kind, the sentence, and what is said beside it. */
const table: readonly (readonly [StudyStatus, keyof typeof stages, string, string, ...string[]])[] = [
  ['waiting', 'no trial', 'searching', `The search waits for its turn: ${noneYet}`],
  ['waiting', 'none at its end', 'searching', `The search waits for its turn: ${noneYet}`],
  ['waiting', 'some trials', 'searching', `The search waits for its turn. ${bestYet}`],
  [
    'waiting',
    'half confirmed',
    'searching',
    'The search is over; what it found waits to be trained again with other seeds: 2 of 6 runs done.',
  ],
  ['waiting', 'confirmed', 'better', better],
  ['running', 'no trial', 'searching', `The search is under way: ${noneYet}`],
  ['running', 'none at its end', 'searching', `The search is under way: ${noneYet}`],
  ['running', 'some trials', 'searching', `The search is under way. ${bestYet}`],
  [
    'running',
    'half confirmed',
    'searching',
    'The search is over; what it found is being trained again with other seeds: 2 of 6 runs done.',
  ],
  ['running', 'confirmed', 'better', better],
  ['paused', 'no trial', 'searching', `The search is paused: ${noneYet}`],
  ['paused', 'none at its end', 'searching', `The search is paused: ${noneYet}`],
  ['paused', 'some trials', 'searching', `The search is paused. ${bestYet}`],
  [
    'paused',
    'half confirmed',
    'searching',
    'The search is over; what it found is to be trained again with other seeds once it is gone on with: 2 of 6 runs done.',
  ],
  ['paused', 'confirmed', 'better', better],
  ['finished', 'no trial', 'nothing-found', `The search is over: ${nothing}`],
  ['finished', 'none at its end', 'nothing-found', `The search is over: ${nothing}`],
  [
    'finished',
    'some trials',
    'not-confirmed',
    `The search is over: ${unsure(3)}`,
    'Too few of the runs with other seeds came to their end: 0 of 6 runs done.',
  ],
  [
    'finished',
    'half confirmed',
    'not-confirmed',
    `The search is over: ${unsure(1)}`,
    'Too few of the runs with other seeds came to their end: 2 of 6 runs done.',
  ],
  ['finished', 'confirmed', 'better', better],
  ['stopped', 'no trial', 'nothing-found', `The search was stopped: ${nothing}`],
  ['stopped', 'none at its end', 'nothing-found', `The search was stopped: ${nothing}`],
  [
    'stopped',
    'some trials',
    'not-confirmed',
    `The search was stopped: ${unsure(3)}`,
    'It ended before plan and best settings were trained again with other seeds.',
  ],
  [
    'stopped',
    'half confirmed',
    'not-confirmed',
    `The search was stopped: ${unsure(1)}`,
    'It ended while plan and best settings were trained again with other seeds: 2 of 6 runs done.',
  ],
  ['stopped', 'confirmed', 'better', better],
  ['failed', 'no trial', 'nothing-found', `The search could not go on: ${nothing}`, 'No model.'],
  ['failed', 'none at its end', 'nothing-found', `The search could not go on: ${nothing}`, 'No model.'],
  [
    'failed',
    'some trials',
    'not-confirmed',
    `The search could not go on: ${unsure(3)}`,
    'It ended before plan and best settings were trained again with other seeds.',
    'No model.',
  ],
  [
    'failed',
    'half confirmed',
    'not-confirmed',
    `The search could not go on: ${unsure(1)}`,
    'It ended while plan and best settings were trained again with other seeds: 2 of 6 runs done.',
    'No model.',
  ],
  ['failed', 'confirmed', 'better', better],
]

const lines = table.map(([status, stage, kind, sentence, ...reasons]) => ({
  ...{ status, stage, kind, sentence, reasons },
}))

test.each(lines)('$status, $stage: $kind', ({ status, stage, kind, sentence, reasons }) => {
  const reason = status === 'failed' ? 'No model.' : null
  const verdict = verdictOf({ ...study, status, reason }, stages[stage])
  expect({ kind: verdict.kind, sentence: verdict.sentence }).toEqual({ kind, sentence })
  // Beside a comparison stand its losses (tested above).
  if (verdict.gain === null) expect(verdict.reasons).toEqual(reasons)
})

test('every status at every stage has its line', () => {
  const told = new Set(lines.map(({ status, stage }) => `${status}, ${stage}`))
  expect(told.size).toBe(studyStatuses.length * Object.keys(stages).length)
})

test('a comparison of fewer runs than were to be says of how many', () => {
  const five = specOf({ confirmSeeds: 5 })
  const runs = confirmed([1.5, 1.51, 1.49], [1.2, 1.21, 1.19])
  const fewer = verdictOf({ ...study, spec: five, status: 'stopped' }, runs)
  expect(fewer.kind).toBe('better')
  expect(fewer.reasons).toContain(
    'The search was stopped before all runs with other seeds were done: the comparison is of 6 of 10.',
  )
})

test('why nothing was trained again: it was not asked for, or there was no time left', () => {
  const alone = verdictOf({ ...study, spec: specOf({ confirmSeeds: 1 }) }, searched)
  expect(alone.reasons).toEqual(['The search was told not to train it again with other seeds.'])
  const timed = specOf({ confirmSeeds: 3, budget: { trials: null, workMs: 5000, untilMs: null } })
  expect(verdictOf({ ...study, spec: timed }, searched).reasons).toEqual([
    'There was no time left to train it again with other seeds.',
  ])
  const living = verdictOf({ ...study, status: 'running', spec: specOf({ confirmSeeds: 1 }) }, searched)
  expect(living.kind).toBe('searching')
})

test('a study that lives says its hours; one at its end has none', () => {
  const schedule = { fromMinute: 22 * 60, toMinute: 7 * 60 }
  const said = (status: StudyStatus) => verdictOf({ ...study, status, schedule }, searched).reasons.join(' ')
  expect(said('running')).toContain("It works only between 22:00 and 07:00 by this computer's clock")
  expect(said('paused')).toContain('It works only between 22:00 and 07:00')
  expect(said('finished')).not.toContain('22:00')
})

const work = (durationMs: number, steps: number, plannedSteps: number, isModelReused: boolean) =>
  recordedWork({ durationMs, steps, plannedSteps, isModelReused })
const reuse = (
  number: number,
  isModelReused: boolean,
  preparingMs: number,
  rows: readonly [number, number],
  frozenMs: number,
) => ({
  ...{ number, isModelReused, preparingMs, frozenMs },
  ...{ frozenRowsReused: rows[0], frozenRowsComputed: rows[1] },
})

test('saved work is reckoned from the pace of each trial and the price of what was there', () => {
  const trials = [
    trial(0, { work: work(11_000, 100, 100, false) }),
    trial(1, { status: 'pruned', work: work(2_000, 10, 100, true) }),
    trial(2, { status: 'skipped', runId: null }),
  ]
  const reused = [reuse(0, false, 1_000, [0, 50], 500), reuse(1, true, 200, [50, 0], 0)]
  const saved = savedWorkOf(trials, reused)!
  // 90 steps were left out at (2000 - 200) / 10, but no slower than the usual pace; the model took 800 less, 50 rows 10 each.
  expect(saved).toMatchObject({
    workedMs: 13_000,
    byPruningMs: 90 * 100,
    byReuseMs: 800 + 500,
    stepsLeftOut: 90,
  })
  expect(saved.plainMs).toBe(13_000 + 90 * 100 + 1_300)
  expect(savedWorkOf([trial(0, { status: 'planned' })], [])).toBeNull()
})

test('where the time was over in the midst of the runs that confirm, it says so', () => {
  const timed = specOf({ confirmSeeds: 3, budget: { trials: null, workMs: 60_000, untilMs: null } })
  const inMidst = verdictOf({ ...study, spec: timed }, confirmed([1.5], [1.2]))
  expect(inMidst.reasons).toEqual([
    'The time was over while plan and best settings were trained again with other seeds: 2 of 6 runs done.',
  ])
  const five = { ...timed, confirmSeeds: 5 }
  const part = verdictOf({ ...study, spec: five }, confirmed([1.5, 1.51, 1.49], [1.2, 1.21, 1.19]))
  expect(part.kind).toBe('better')
  expect(part.reasons.join(' ')).toContain(
    'The time was over before all runs with other seeds were done: the comparison is of 6 of 10.',
  )
  // Of a failed one time would not have helped.
  const failed = [
    ...confirmed([1.5, 1.51, 1.49], [1.2, 1.21]),
    trial(20, { purpose: 'winner', status: 'failed' }),
  ]
  expect(verdictOf({ ...study, spec: timed }, failed).reasons.join(' ')).toContain(
    'Too few of the runs with other seeds came to their end: 5 of 6',
  )
})

test('nothing is called better or worse by fewer than three seeds of either side; what they say so far is told', () => {
  const two = verdictOf({ ...study, spec: specOf({ confirmSeeds: 2 }) }, confirmed([1.5, 1.51], [1.2, 1.21]))
  expect(two).toMatchObject({ kind: 'not-confirmed', gain: null })
  expect(two.reasons).toEqual([
    expect.stringMatching(
      /^With 2 seeds each its validation loss is lower by 0\.3000 nats \(95 % interval of the gain 0\.2\d+ to 0\.3\d+\); 3 are needed/,
    ),
  ])
  const part = verdictOf(study, confirmed([1.2, 1.21, 1.19], [1.5, 1.51]))
  expect(part.kind).toBe('not-confirmed')
  expect(part.reasons[0]).toMatch(
    /^With 3 seeds of the plan and 2 of the best settings .* is higher by 0\.3050 nats/,
  )
  expect(part.reasons[1]).toBe('Too few of the runs with other seeds came to their end: 5 of 6 runs done.')
})

test('a better point that was found in their midst is not confirmed by runs of the one before', () => {
  // Bug: an earlier version went on searching in their midst, and one interval was made of both points' losses.
  const rate = (value: number): StudyTrial['settings'] => ({ 'optimizer.learningRate': value })
  const runs = confirmed([1.5, 1.51, 1.49], [1.2, 1.21, 1.19]).map((one) => ({
    ...one,
    settings: one.purpose === 'preset' ? {} : rate(0.001),
  }))
  const found = trial(20, { lossNats: 0.8, settings: rate(0.002) })
  const reopened = verdictOf(study, [...runs, found])
  expect(reopened).toMatchObject({ kind: 'not-confirmed', sentence: expect.stringContaining('trial 21') })
  expect(reopened.reasons).toEqual([
    'Too few of the runs with other seeds came to their end: 3 of 6 runs done.',
  ])
  expect(winnerLink({ ...study, id: 'study' }, [...runs, found])).toBeNull()
  const own = [0.95, 0.96, 0.94].map((lossNats, at) =>
    trial(21 + at, { purpose: 'winner', lossNats, settings: rate(0.002) }),
  )
  expect(verdictOf(study, [...runs, found, ...own])).toMatchObject({
    ...{ kind: 'better', gain: { value: expect.closeTo(0.55, 9) } },
  })
})

test('a run with another seed that was stopped by hand, or skipped, is not told as the end of the time', () => {
  const timed = specOf({ confirmSeeds: 3, budget: { trials: null, workMs: 60_000, untilMs: null } })
  const five = confirmed([1.5, 1.51, 1.49], [1.2, 1.21])
  const last = (status: StudyTrial['status'], reason: string) =>
    verdictOf({ ...study, spec: timed }, [
      ...five,
      trial(20, { purpose: 'winner', status, reason, lossNats: null }),
    ]).reasons.at(-1)
  const tooFew = 'Too few of the runs with other seeds came to their end: 5 of 6 runs done.'
  expect(last('stopped', 'It was stopped by hand.')).toBe(tooFew)
  expect(last('skipped', 'It does not fit.')).toBe(tooFew)
  const cut =
    'The time was over while plan and best settings were trained again with other seeds: 5 of 6 runs done.'
  expect(last('stopped', timeOverReason)).toBe(cut)
  // As older journals have it.
  expect(last('failed', timeOverReason)).toBe(cut)
})

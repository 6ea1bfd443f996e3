// Of a budget of time so much is kept that what was found can be confirmed, with the fewest seeds at least.
import { expect, test } from 'vitest'
import { type BudgetState, isSearchOver, isTimeOver, keptForConfirming } from '#core/tuning/study-budget.ts'
import type { StudyTrial } from '#shared/study.ts'
import { recordedTrial, recordedWork } from './recorded-trials.ts'
import { specOf } from './scripted-studies.ts'

const minute = 60_000
const hour = 60 * minute

test.each([
  ['as long as all runs take', 3, 1, 10, 6 * 10],
  ['runs beside each other', 3, 4, 10, 2 * 10],
  ['at most half of all time', 5, 1, 12, 90],
  ['where half is not enough for three seeds, as long as these take', 5, 1, 20, 6 * 20],
  ['nothing where one trial and three seeds do not fit: the search may have it', 3, 1, 26, 0],
  ['for two seeds of an older journal', 2, 1, 10, 4 * 10],
  ['nothing where nothing is to be confirmed', 1, 1, 10, 0],
])('kept is %s', (_, confirmSeeds, parallel, each, kept) => {
  const ms = { eachMs: each * minute, allMs: 180 * minute }
  expect(keptForConfirming({ confirmSeeds, parallel, ...ms })).toBe(kept * minute)
})

const trial = (number: number, minutes: number, changes: Partial<StudyTrial> = {}): StudyTrial =>
  recordedTrial(number, {
    work: recordedWork({ durationMs: minutes * minute }),
    lossNats: 1 + number,
    ...changes,
  })

function state(
  workMinutes: number,
  trials: readonly StudyTrial[],
  changes: Partial<BudgetState> = {},
): BudgetState {
  const budget = { trials: null, workMs: workMinutes * minute, untilMs: null }
  const workedMs = trials.reduce((sum, { work }) => sum + (work?.durationMs ?? 0), 0)
  return {
    ...{ spec: specOf({ confirmSeeds: 3, budget }), trials, workedMs, startedAtMs: 0, nowMs: workedMs },
    ...{ schedule: null, ...changes },
  }
}

test('no trial begins that would take of what is kept', () => {
  // Bug to guard against: one more began just before, and the runs that confirm had too little left.
  const four = [0, 1, 2, 3].map((number) => trial(number, 10))
  expect(isSearchOver(state(120, four))).toBe(false)
  expect(isSearchOver(state(100, four))).toBe(true)
  // Before any trial came to its end nothing is known.
  expect(isSearchOver(state(110, [trial(0, 100, { status: 'pruned' })]))).toBe(false)
})

test('a winner that takes longer than the others has its runs reckoned as long', () => {
  const slow = [trial(0, 40), trial(1, 10), trial(2, 10)]
  // Three runs of 20 minutes in the mean and three of 40, and a trial of 20: 200 are to be left.
  expect(isSearchOver(state(400, slow, { workedMs: 195 * minute }))).toBe(false)
  expect(isSearchOver(state(400, slow, { workedMs: 205 * minute }))).toBe(true)
})

test('until an hour of the clock only the hours in which it works are left', () => {
  // Bug to guard against: what was kept for the runs that confirm lay in the day, when it rests.
  const at = (day: number, hours: number): number => new Date(2026, 4, day, hours).getTime()
  const spec = specOf({ confirmSeeds: 3, budget: { trials: null, workMs: null, untilMs: at(6, 15) } })
  const schedule = { fromMinute: 22 * 60, toMinute: 7 * 60 }
  const trials = [trial(0, 30)]
  const when = (hours: number, hasHours = true): BudgetState => ({
    ...{ spec, trials, workedMs: 30 * minute, startedAtMs: at(5, 22), nowMs: at(6, hours) },
    schedule: hasHours ? schedule : null,
  })
  expect([2, 4].map((hours) => isSearchOver(when(hours)))).toEqual([false, true])
  expect(isSearchOver(when(4, false))).toBe(false)
  expect([6, 15].map((hours) => isTimeOver(when(hours)))).toEqual([false, true])
  expect(isTimeOver({ ...when(4, false), nowMs: at(6, 14) + hour - 1 })).toBe(false)
})

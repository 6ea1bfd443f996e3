// What a search says of its length before it begins: trials and time at work, for each effort and each kind of limit.
import { expect, test } from 'vitest'
import { type StudyShape, trialRange, workSeconds } from '#core/tuning/study-estimate.ts'
import { proposedBudget, proposedSeeds } from '#core/tuning/study-wishes.ts'
import { pruning, studyBudget } from '#shared/study.ts'

const hour = 3600
const nowMs = new Date(2026, 4, 5, 21, 0).getTime()
const shape = (changes: Partial<StudyShape> = {}): StudyShape => ({
  budget: studyBudget.parse({ trials: 100 }),
  confirmSeeds: 5,
  parallel: 1,
  trialSeconds: { low: 100, high: 200 },
  pruning: null,
  schedule: null,
  nowMs,
  ...changes,
})

test('by trials: all of them, and the runs that confirm', () => {
  expect(trialRange(shape())).toEqual({ low: 100, high: 100 })
  expect(workSeconds(shape())).toEqual({ low: 11_000, high: 22_000 })
  expect(workSeconds(shape({ confirmSeeds: 1 }))).toEqual({ low: 10_000, high: 20_000 })
  expect(workSeconds(shape({ parallel: 2 }))).toEqual({ low: 5500, high: 11_000 })
  expect(workSeconds(shape({ trialSeconds: null }))).toBeNull()
})

test('what is given up takes less, and how much less is not sure', () => {
  const { low, high } = workSeconds(shape({ pruning: pruning.parse({}) }))!
  // The first four are never given up; of the others one in three goes on at a ninth, one in nine at a third.
  const least = 1 / 9 + (1 / 3 - 1 / 9) / 3 + 2 / 3 / 9
  expect(low).toBeCloseTo(100 * (4 + 96 * least + 10), 6)
  expect(high).toBeCloseTo(200 * (4 + 96 * ((1 + least) / 2) + 10), 6)
})

test('by time: it takes as long as it may, and its trials follow', () => {
  const timed = shape({ budget: studyBudget.parse({ workMs: 10 * hour * 1000 }) })
  expect(workSeconds(timed)).toEqual({ low: 10 * hour, high: 10 * hour })
  expect(trialRange(timed)).toEqual({ low: 170, high: 350 })
  expect(workSeconds({ ...timed, trialSeconds: null })).toEqual({ low: 10 * hour, high: 10 * hour })
  expect(trialRange({ ...timed, trialSeconds: null })).toBeNull()
})

test('until an hour of the clock only the hours in which it works count', () => {
  const budget = studyBudget.parse({ untilMs: nowMs + 24 * hour * 1000 })
  const schedule = { fromMinute: 22 * 60, toMinute: 7 * 60 }
  expect(workSeconds(shape({ budget }))).toEqual({ low: 24 * hour, high: 24 * hour })
  expect(workSeconds(shape({ budget, schedule }))).toEqual({ low: 9 * hour, high: 9 * hour })
  expect(trialRange(shape({ budget, schedule }))!.high).toBeLessThan(trialRange(shape({ budget }))!.low)
})

test('over night small models end by their trials, larger ones by the hour', () => {
  const night = shape({ budget: proposedBudget('night', nowMs), confirmSeeds: proposedSeeds('night') })
  expect(workSeconds({ ...night, trialSeconds: { low: 10, high: 20 } })).toEqual({
    low: 306 * 10,
    high: 306 * 20,
  })
  expect(workSeconds({ ...night, trialSeconds: { low: 600, high: 1200 } })).toEqual({
    low: 10 * hour,
    high: 10 * hour,
  })
})

// Hours of a study by this computer's clock: over midnight, and on the two nights on which the clock is put.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  hoursSentences,
  isWithinHours,
  minutesADay,
  msWithinHours,
  nextChangeMs,
  nextTimeMs,
  restSentence,
  timeText,
} from '#core/tuning/study-schedule.ts'

const before = process.env.TZ
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin'
})
afterAll(() => {
  process.env.TZ = before
})

const at = (text: string): number => Date.parse(text)
const night = { fromMinute: 22 * 60, toMinute: 7 * 60 }

test('hours over midnight, their two ends, and the next change of each', () => {
  expect(isWithinHours(night, at('2026-01-10T22:00:00+01:00'))).toBe(true)
  expect(isWithinHours(night, at('2026-01-10T21:59:59+01:00'))).toBe(false)
  expect(isWithinHours(night, at('2026-01-11T06:59:59+01:00'))).toBe(true)
  expect(isWithinHours(night, at('2026-01-11T07:00:00+01:00'))).toBe(false)
  expect(nextChangeMs(night, at('2026-01-10T12:34:56+01:00'))).toBe(at('2026-01-10T22:00:00+01:00'))
  expect(nextChangeMs(night, at('2026-01-10T23:34:56+01:00'))).toBe(at('2026-01-11T07:00:00+01:00'))
  const day = { fromMinute: 9 * 60, toMinute: 17 * 60 + 30 }
  expect(isWithinHours(day, at('2026-01-10T17:29:00+01:00'))).toBe(true)
  expect(isWithinHours(day, at('2026-01-10T17:30:00+01:00'))).toBe(false)
  expect(nextChangeMs(day, at('2026-01-10T20:00:00+01:00'))).toBe(at('2026-01-11T09:00:00+01:00'))
})

test('without hours, or with hours that end when they begin, it is always time', () => {
  for (const schedule of [null, { fromMinute: 60, toMinute: 60 }]) {
    expect(isWithinHours(schedule, at('2026-01-10T12:00:00Z'))).toBe(true)
    expect(nextChangeMs(schedule, at('2026-01-10T12:00:00Z'))).toBeNull()
    expect(hoursSentences(schedule)).toEqual([])
    expect(minutesADay(schedule)).toBe(24 * 60)
    expect(msWithinHours(schedule, 1000, 4000)).toBe(3000)
  }
})

test('hours that begin in the hour that is left out begin when the clock is past them', () => {
  // 29 March 2026: 02:00 becomes 03:00.
  const early = { fromMinute: 2 * 60 + 30, toMinute: 7 * 60 }
  const skipped = at('2026-03-29T03:00:00+02:00')
  expect(isWithinHours(early, skipped - 1000)).toBe(false)
  expect(isWithinHours(early, skipped)).toBe(true)
  expect(nextChangeMs(early, at('2026-03-28T23:00:00+01:00'))).toBe(skipped)
  expect(nextChangeMs(night, at('2026-03-28T23:00:00+01:00'))).toBe(at('2026-03-29T07:00:00+02:00'))
})

test('in the night in which an hour comes twice a night is an hour longer', () => {
  // 25 October 2026: 03:00 becomes 02:00.
  const from = at('2026-10-24T22:00:00+02:00')
  const to = nextChangeMs(night, from)!
  expect(to).toBe(at('2026-10-25T07:00:00+01:00'))
  expect(to - from).toBe(10 * 3_600_000)
})

test('the next morning is today before it, tomorrow after it, and stays at seven when the clock is put', () => {
  expect(nextTimeMs(7 * 60, at('2026-01-10T06:00:00+01:00'))).toBe(at('2026-01-10T07:00:00+01:00'))
  expect(nextTimeMs(7 * 60, at('2026-01-10T07:00:00+01:00'))).toBe(at('2026-01-11T07:00:00+01:00'))
  const summer = nextTimeMs(7 * 60, at('2026-03-28T20:00:00+01:00'))
  expect(summer).toBe(at('2026-03-29T07:00:00+02:00'))
  expect(timeText(summer)).toBe('07:00')
})

test('hours are said with both of their ends', () => {
  expect(hoursSentences(night)).toEqual([
    expect.stringContaining("It works only between 22:00 and 07:00 by this computer's clock"),
  ])
  expect(restSentence(night, at('2026-01-10T12:00:00+01:00'))).toBe(
    'It works only between 22:00 and 07:00, and goes on at 22:00.',
  )
})

test('of the time until a moment only what lies within the hours counts', () => {
  const hour = 3_600_000
  expect(minutesADay(night)).toBe(9 * 60)
  const evening = at('2026-01-10T20:00:00+01:00')
  expect(msWithinHours(night, evening, evening + hour)).toBe(0)
  expect(msWithinHours(night, evening, at('2026-01-11T01:30:00+01:00'))).toBe(3.5 * hour)
  expect(msWithinHours(night, evening, at('2026-01-12T12:00:00+01:00'))).toBe(18 * hour)
  // A far one is reckoned by whole days.
  expect(msWithinHours(night, evening, evening + 40 * 24 * hour)).toBe(40 * 9 * hour)
  expect(msWithinHours(night, evening, evening - hour)).toBe(0)
})

// 29 March 2026 has no 02:00 to 03:00; 25 October 2026 has it twice.
const leftOut = { fromMinute: 2 * 60 + 10, toMinute: 2 * 60 + 50 }
const outsideLeftOut = { fromMinute: 2 * 60 + 50, toMinute: 2 * 60 + 10 }
test.each([
  [leftOut, '2026-03-28T12:00:00+01:00', '2026-03-30T02:10:00+02:00'],
  [leftOut, '2026-03-28T02:50:00+01:00', '2026-03-30T02:10:00+02:00'],
  [leftOut, '2026-03-28T02:30:00+01:00', '2026-03-28T02:50:00+01:00'],
  [leftOut, '2026-03-29T12:00:00+02:00', '2026-03-30T02:10:00+02:00'],
  [outsideLeftOut, '2026-03-28T12:00:00+01:00', '2026-03-30T02:10:00+02:00'],
  [leftOut, '2026-10-25T00:00:00+02:00', '2026-10-25T02:10:00+02:00'],
  [leftOut, '2026-10-25T02:50:00+02:00', '2026-10-25T02:10:00+01:00'],
  [leftOut, '2026-10-25T02:50:00+01:00', '2026-10-26T02:10:00+01:00'],
])('hours %o change next after %s at %s', (schedule, from, next) => {
  expect(nextChangeMs(schedule, at(from))).toBe(at(next))
})

test.each([
  [leftOut, '2026-03-28T12:00:00+01:00', '2026-03-31T12:00:00+02:00', 2 * 40],
  [leftOut, '2026-03-28T00:00:00+01:00', '2026-04-02T00:00:00+02:00', 4 * 40],
  [leftOut, '2026-10-24T12:00:00+02:00', '2026-10-26T12:00:00+01:00', 3 * 40],
  [outsideLeftOut, '2026-03-28T12:00:00+01:00', '2026-03-30T12:00:00+02:00', 47 * 60 - 40],
])('hours %o have from %s until %s as many as %i minutes', (schedule, from, until, minutes) => {
  expect(msWithinHours(schedule, at(from), at(until))).toBe(minutes * 60_000)
})

test('where the next hours are more than a day off, their day is said', () => {
  expect(restSentence(leftOut, at('2026-03-28T12:00:00+01:00'))).toContain('goes on at 02:10 on Monday.')
  expect(restSentence(leftOut, at('2026-03-27T12:00:00+01:00'))).toContain('goes on at 02:10.')
})

// A study's hours by this computer's clock: whether they are now, and when that changes. Pure but for the time zone, which
// is the system's; where the clock is put forward or back, the hours go by what it then shows.
import type { Schedule } from '#shared/study.ts'

const minuteMs = 60_000
/** A change comes within a day, and with it the hour that a clock can be put by. */
const lookedAheadMinutes = 26 * 60

const minuteOfDay = (atMs: number): number => {
  const at = new Date(atMs)
  return 60 * at.getHours() + at.getMinutes()
}

/** Always, where there is no schedule, or where it begins when it ends. */
export function isWithinHours(schedule: Schedule | null, atMs: number): boolean {
  if (schedule === null || schedule.fromMinute === schedule.toMinute) return true
  const { fromMinute, toMinute } = schedule
  const minute = minuteOfDay(atMs)
  return fromMinute < toMinute
    ? minute >= fromMinute && minute < toMinute
    : minute >= fromMinute || minute < toMinute
}

/** When the hours begin or end next, UTC milliseconds; null where they never do. */
export function nextChangeMs(schedule: Schedule | null, atMs: number): number | null {
  const isNow = isWithinHours(schedule, atMs)
  const firstMs = Math.floor(atMs / minuteMs + 1) * minuteMs
  for (let ahead = 0; ahead <= lookedAheadMinutes; ahead += 1) {
    const laterMs = firstMs + ahead * minuteMs
    if (isWithinHours(schedule, laterMs) !== isNow) return laterMs
  }
  return null
}

/** "22:00". */
const clockText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`

/** The time of day that the clock shows, "07:00". */
export const timeText = (atMs: number): string => clockText(minuteOfDay(atMs))

/** The next time that the clock shows this minute of the day, UTC milliseconds. */
export function nextTimeMs(minute: number, atMs: number): number {
  const at = new Date(atMs)
  const candidate = (days: number): number =>
    new Date(at.getFullYear(), at.getMonth(), at.getDate() + days, 0, minute).getTime()
  return candidate(0) > atMs ? candidate(0) : candidate(1)
}

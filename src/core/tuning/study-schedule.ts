// A study's hours by this computer's clock: whether they are now, and when that changes. Pure but for the time zone, which
// is the system's; where the clock is put forward or back, the hours go by what it then shows.
import type { Schedule } from '#shared/study.ts'

const minuteMs = 60_000
const dayMinutes = 24 * 60
/** Hours within the one that the clock leaves out have no such day: the next change may be two days off. */
const lookedAheadMinutes = 3 * dayMinutes

const minuteOfDay = (atMs: number): number => {
  const at = new Date(atMs)
  return 60 * at.getHours() + at.getMinutes()
}

export function isWithinHours(schedule: Schedule | null, atMs: number): boolean {
  if (!isLimited(schedule)) return true
  const { fromMinute, toMinute } = schedule
  const minute = minuteOfDay(atMs)
  return fromMinute < toMinute
    ? minute >= fromMinute && minute < toMinute
    : minute >= fromMinute || minute < toMinute
}

/** One that ends when it begins is always. */
const isLimited = (schedule: Schedule | null): schedule is Schedule =>
  schedule !== null && schedule.fromMinute !== schedule.toMinute

/** "between 22:00 and 07:00". */
const hoursText = ({ fromMinute, toMinute }: Schedule): string =>
  `between ${clockText(fromMinute)} and ${clockText(toMinute)}`

/** What the hours mean; nothing where it is always. */
export const hoursSentences = (schedule: Schedule | null): string[] =>
  isLimited(schedule)
    ? [
        `It works only ${hoursText(schedule)} by this computer's clock; outside of these hours it rests with a safe point (checkpoint) and then goes on from there.`,
      ]
    : []

/** Why it rests at the moment. */
export function restSentence(schedule: Schedule | null, nowMs: number): string {
  const nextMs = nextChangeMs(schedule, nowMs)
  return !isLimited(schedule) || nextMs === null
    ? 'It waits for its hours.'
    : `It works only ${hoursText(schedule)}, and goes on at ${timeText(nextMs)}${farDayText(nextMs, nowMs)}.`
}

/** Within a day the time alone says which. */
const farDayText = (atMs: number, nowMs: number): string =>
  atMs - nowMs <= dayMinutes * minuteMs
    ? ''
    : ` on ${new Date(atMs).toLocaleDateString('en-GB', { weekday: 'long' })}`

/** Minutes of a day in which work may be done. */
export function minutesADay(schedule: Schedule | null): number {
  if (!isLimited(schedule)) return dayMinutes
  const { fromMinute, toMinute } = schedule
  return (toMinute - fromMinute + dayMinutes) % dayMinutes
}

/** A time further away is reckoned by whole days. */
const mostScannedMs = 14 * dayMinutes * minuteMs

/** So much of the time from now until then lies within the hours. */
export function msWithinHours(schedule: Schedule | null, fromMs: number, untilMs: number): number {
  const lengthMs = Math.max(0, untilMs - fromMs)
  if (!isLimited(schedule)) return lengthMs
  if (lengthMs > mostScannedMs) return (lengthMs * minutesADay(schedule)) / dayMinutes
  let sumMs = 0
  for (let atMs = fromMs; atMs < untilMs; ) {
    const nextMs = Math.min(untilMs, nextChangeMs(schedule, atMs) ?? untilMs)
    if (isWithinHours(schedule, atMs)) sumMs += nextMs - atMs
    atMs = nextMs
  }
  return sumMs
}

/** When the hours begin or end next, UTC milliseconds; null where they never do. */
export function nextChangeMs(schedule: Schedule | null, atMs: number): number | null {
  if (!isLimited(schedule)) return null
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

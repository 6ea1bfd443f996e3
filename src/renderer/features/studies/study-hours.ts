// Times of day by this computer's clock, and the hours at which a search may work, as they are typed. Pure but for the words
// and the time zone.
import type { Schedule } from '#shared/study.ts'
import { t } from '../../words/index.ts'

/** Minutes since midnight of "07:00"; null for anything else. */
export function readTime(typed: string): number | null {
  const [, hours, minutes] = /^\s*(\d{1,2})[:.](\d{2})\s*$/.exec(typed) ?? []
  if (hours === undefined || minutes === undefined) return null
  const at = Number(hours) * 60 + Number(minutes)
  return Number(hours) < 24 && Number(minutes) < 60 ? at : null
}

export const writeTime = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`

/** When it is next so late by this computer's clock: today, or tomorrow where that is past. */
export function nextTimeMs(minute: number, nowMs: number): number {
  const at = new Date(nowMs)
  at.setHours(Math.floor(minute / 60), minute % 60, 0, 0)
  if (at.getTime() <= nowMs) at.setDate(at.getDate() + 1)
  return at.getTime()
}

/** "22:00" and "07:00": over midnight where the second comes first in the day. */
export interface TypedHours {
  readonly from: string
  readonly to: string
}

export const usualNight: Schedule = { fromMinute: 22 * 60, toMinute: 7 * 60 }

export const typedHours = ({ fromMinute, toMinute }: Schedule): TypedHours => ({
  from: writeTime(fromMinute),
  to: writeTime(toMinute),
})

/** Null where one of them is no time of day, or both are the same. */
export function readHours({ from, to }: TypedHours): Schedule | null {
  const [fromMinute, toMinute] = [readTime(from), readTime(to)]
  if (fromMinute === null || toMinute === null || fromMinute === toMinute) return null
  return { fromMinute, toMinute }
}

/** Why hours cannot be taken; empty where they can. */
export function wrongHours(typed: TypedHours): string {
  if (readHours(typed) !== null) return ''
  const isTimeMissing = readTime(typed.from) === null || readTime(typed.to) === null
  return t(isTimeMissing ? 'studies.wrong.time' : 'studies.wrong.night')
}

// Numbers, times and dates for people: rounded to what is known, with their unit, in one place.
import { formatBytes, formatDuration } from '#shared/units.ts'
import { t } from './words/index.ts'

export { formatBytes }

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const dates = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })
const datesAndTimes = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

/** "1,412", "0.59". */
export const formatNumber = (value: number): string => numbers.format(value)

/** "136 M", "1.5 B": the number of a model's weights. */
export function formatParameters(count: number): string {
  if (count >= 1e9) return `${numbers.format(Math.round(count / 1e8) / 10)} B`
  if (count >= 1e6) return `${numbers.format(Math.round(count / 1e6))} M`
  return numbers.format(count)
}

/** A share of 0 to 1 as "91 %". */
export const formatPercent = (share: number): string => `${Math.round(share * 100)} %`

/** A duration known exactly: "3 min 20 s". */
export const formatTime = (ms: number): string => formatDuration(ms)

/** An expected duration, rounded to what an estimate can know: "about 4 min". */
export function formatAbout(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 50) return t('common.aboutSeconds', { count: Math.max(5, Math.round(seconds / 5) * 5) })
  const minutes = Math.max(1, Math.round(seconds / 60))
  if (minutes < 90)
    return t('common.aboutMinutes', { count: minutes < 20 ? minutes : Math.round(minutes / 5) * 5 })
  return t('common.aboutHours', { amount: numbers.format(Math.round(seconds / 1800) / 2) })
}

/** The same without "about", for the running job's pill: "2 min". */
export function formatShortTime(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${numbers.format(Math.round(seconds / 1800) / 2)} h`
}

export const formatDate = (atMs: number): string => dates.format(atMs)
export const formatDateTime = (atMs: number): string => datesAndTimes.format(atMs)

const startOfDay = (atMs: number): number => new Date(atMs).setHours(0, 0, 0, 0)

/** "just now", "today", "yesterday", then the date. */
export function formatDay(atMs: number, nowMs: number = Date.now()): string {
  if (nowMs - atMs < 60_000) return t('common.justNow')
  const days = Math.round((startOfDay(nowMs) - startOfDay(atMs)) / 86_400_000)
  if (days <= 0) return t('common.today')
  return days === 1 ? t('common.yesterday') : formatDate(atMs)
}

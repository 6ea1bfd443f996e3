// Numbers, times and dates for people: rounded to what is known, with their unit, in one place.
import { formatBytes, halfHours, type RoundedTime, roundAbout } from '#shared/units.ts'
import { t } from './words/index.ts'

export { formatBytes }

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const dates = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })
const toTheMinute = {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
} as const
const datesAndTimes = new Intl.DateTimeFormat('en', toTheMinute)
const exactTimes = new Intl.DateTimeFormat('en', { ...toTheMinute, second: '2-digit' })

/** "1,412", "0.59". */
export const formatNumber = (value: number): string => numbers.format(value)

/** "136 M", "1.5 B": the number of a model's weights. */
export function formatParameters(count: number): string {
  if (count >= 1e9) return t('common.amounts.billions', { count: Math.round(count / 1e8) / 10 })
  if (count >= 1e6) return t('common.amounts.millions', { count: Math.round(count / 1e6) })
  return numbers.format(count)
}

/** A share of 0 to 1 as "91 %". */
export const formatPercent = (share: number): string =>
  t('common.amounts.percent', { count: Math.round(share * 100) })

const writeDuration = ({ count, unit }: RoundedTime): string => t(`common.amounts.${unit}`, { count })

/** An expected duration: "about 4 min". */
export const formatAbout = (ms: number): string =>
  t('common.about', { amount: writeDuration(roundAbout(ms)) })

/** "about 4 to 6 min"; one figure where both ends round to the same. */
export function formatAboutRange({ lowSeconds, highSeconds }: { lowSeconds: number; highSeconds: number }) {
  const low = roundAbout(lowSeconds * 1000)
  const high = roundAbout(highSeconds * 1000)
  if (low.unit !== high.unit)
    return t('common.aboutRange', { low: writeDuration(low), high: writeDuration(high) })
  if (low.count === high.count) return t('common.about', { amount: writeDuration(high) })
  return t('common.aboutRange', { low: low.count, high: writeDuration(high) })
}

/** Without "about", for what is left of a running job: "2 min". */
export function formatShortTime(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return writeDuration({ count: seconds, unit: 'seconds' })
  if (seconds < 5400) return writeDuration({ count: Math.round(seconds / 60), unit: 'minutes' })
  return writeDuration(halfHours(seconds))
}

const formatDate = (atMs: number): string => dates.format(atMs)
export const formatDateTime = (atMs: number): string => datesAndTimes.format(atMs)
/** To the second, where two of one minute stand beside each other. */
export const formatExactTime = (atMs: number): string => exactTimes.format(atMs)

const startOfDay = (atMs: number): number => new Date(atMs).setHours(0, 0, 0, 0)

/** "just now", "today", "yesterday", then the date. */
export function formatDay(atMs: number, nowMs: number = Date.now()): string {
  if (nowMs - atMs < 60_000) return t('common.justNow')
  const days = Math.round((startOfDay(nowMs) - startOfDay(atMs)) / 86_400_000)
  if (days <= 0) return t('common.today')
  return days === 1 ? t('common.yesterday') : formatDate(atMs)
}

// A search before it begins, in figures: how many trials, how long each, until when. Pure but for the words.
import type { StudyPlan } from '#shared/contract/studies.ts'
import type { StudyBudget } from '#shared/study.ts'
import { formatAboutRange, formatDateTime, formatShortTime } from '../../format.ts'
import { t } from '../../words/index.ts'
import { writeTime } from './study-hours.ts'

/** "8 to 14 trials". */
export function trialsWord({ trials }: Pick<StudyPlan, 'trials'>): string {
  if (trials === null) return t('studies.start.trialsUnknown')
  const { low, high } = trials
  return low === high
    ? t('studies.start.trials', { count: high })
    : t('studies.start.trialsRange', { low, high })
}

/** "about 4 to 6 min"; null where a trial's time is not known. */
export const trialTime = ({ trialSeconds }: Pick<StudyPlan, 'trialSeconds'>): string | null =>
  trialSeconds === null ? null : aboutTime(trialSeconds)

/** No time is told as less: of many trials the product would not be what a reader reckons. */
const leastToldSeconds = 5
function aboutTime({ low, high }: { readonly low: number; readonly high: number }): string {
  if (low >= leastToldSeconds) return formatAboutRange({ lowSeconds: low, highSeconds: high })
  return high < leastToldSeconds
    ? t('studies.start.lessThan', { seconds: leastToldSeconds })
    : t('studies.start.upTo', { time: formatAboutRange({ lowSeconds: high, highSeconds: high }) })
}

/** "07:00 tomorrow"; of any other day its date too. */
function untilWord(untilMs: number, nowMs: number): string {
  const at = new Date(untilMs)
  const time = writeTime(at.getHours() * 60 + at.getMinutes())
  const tomorrow = new Date(nowMs)
  tomorrow.setDate(tomorrow.getDate() + 1)
  if (at.toDateString() === new Date(nowMs).toDateString()) return t('studies.start.today', { time })
  if (at.toDateString() === tomorrow.toDateString()) return t('studies.start.tomorrow', { time })
  return formatDateTime(untilMs)
}

/** Every limit that is set: "8 h of work, at most 60 trials". */
export function budgetWord({ trials, workMs, untilMs }: StudyBudget, nowMs: number = Date.now()): string {
  return [
    ...(workMs === null ? [] : [t('studies.start.budget.work', { time: formatShortTime(workMs) })]),
    ...(untilMs === null ? [] : [t('studies.start.budget.until', { when: untilWord(untilMs, nowMs) })]),
    ...(trials === null ? [] : [t('studies.start.budget.trials', { count: trials })]),
  ].join(', ')
}

/** What ends it first of all: "Ends at 07:00 tomorrow", "Ends after 12 trials". */
export function endWord({ trials, workMs, untilMs }: StudyBudget, nowMs: number = Date.now()): string {
  if (untilMs !== null) return t('studies.start.ends.until', { when: untilWord(untilMs, nowMs) })
  if (workMs !== null) return t('studies.start.ends.work', { time: formatShortTime(workMs) })
  return t('studies.start.ends.trials', { count: trials ?? 0 })
}

/** How long it takes about, or how much of it fits into its time. */
export function lengthWord(plan: StudyPlan): string {
  const { budget, workSeconds } = plan
  if (budget.untilMs !== null || budget.workMs !== null)
    return t('studies.start.fit', { trials: trialsWord(plan) })
  if (workSeconds === null) return t('studies.start.longestUnknown')
  const { high } = workSeconds
  if (high >= 2 * daySeconds) return t('studies.start.longestDays', { count: Math.round(high / daySeconds) })
  return t('studies.start.inAll', { time: aboutTime(workSeconds) })
}

const daySeconds = 86_400

/** "changes 5 settings". */
export const settingsWord = ({ dimensions }: Pick<StudyPlan, 'dimensions'>): string =>
  t('studies.start.changes', { count: dimensions.filter(({ isIncluded }) => isIncluded).length })

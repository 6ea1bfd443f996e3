// A search before it begins, in figures: how many trials, how long each, until when. Pure but for the words.
import type { StudyPlan } from '#shared/contract/studies.ts'
import type { StudyBudget } from '#shared/study.ts'
import { formatAboutRange, formatDateTime, formatShortTime } from '../../format.ts'
import { t } from '../../words/index.ts'

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
  trialSeconds === null
    ? null
    : formatAboutRange({ lowSeconds: trialSeconds.low, highSeconds: trialSeconds.high })

/** Every limit that is set: "8 h of work, at most 60 trials". */
export function budgetWord({ trials, workMs, untilMs }: StudyBudget): string {
  return [
    ...(workMs === null ? [] : [t('studies.start.budget.work', { time: formatShortTime(workMs) })]),
    ...(untilMs === null ? [] : [t('studies.start.budget.until', { when: formatDateTime(untilMs) })]),
    ...(trials === null ? [] : [t('studies.start.budget.trials', { count: trials })]),
  ].join(', ')
}

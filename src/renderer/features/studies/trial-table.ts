// The table of a study's trials: what each says, and in which order they stand. Pure but for the words.
import type { StudyCard } from '#shared/contract/studies.ts'
import type { StudiedValue, StudyTrial, TrialStatus } from '#shared/study.ts'
import { isDistrusted } from '#shared/trial-words.ts'
import { formatPercent } from '../../format.ts'
import { t } from '../../words/index.ts'
import { confirmedWord, searchedWord } from './study-story.ts'

/** `setting:<path>` sorts by the value of a setting. */
export type TrialSort = 'number' | 'purpose' | 'status' | 'loss' | 'time' | `setting:${string}`

export interface TrialOrder {
  readonly sort: TrialSort
  readonly order: 'ascending' | 'descending'
}

/** Newest first while it goes on would move under one's eyes: as they were decided. */
export const firstOrder: TrialOrder = { sort: 'number', order: 'ascending' }

/** Another click turns it round. */
export const sortedBy = ({ sort, order }: TrialOrder, wanted: TrialSort): TrialOrder =>
  sort === wanted
    ? { sort, order: order === 'ascending' ? 'descending' : 'ascending' }
    : { sort: wanted, order: 'ascending' }

const statusRank: Readonly<Record<TrialStatus, number>> = {
  planned: 0,
  complete: 1,
  pruned: 2,
  skipped: 3,
  failed: 4,
  stopped: 5,
}

type Key = number | string | null
function keyOf(trial: StudyTrial, sort: TrialSort): Key {
  switch (sort) {
    case 'number':
      return trial.number
    case 'purpose':
      return purposeWord(trial)
    case 'status':
      return statusRank[trial.status]
    case 'loss':
      return trial.lossNats
    case 'time':
      return trial.work?.durationMs ?? null
    default:
      return settingKey(trial.settings[sort.slice('setting:'.length)])
  }
}
const settingKey = (value: StudiedValue | undefined): Key =>
  value === undefined || typeof value === 'number' ? (value ?? null) : String(value)

function compareKeys(a: Exclude<Key, null>, b: Exclude<Key, null>): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en')
}

/** What has no value stands last, whichever way it is sorted; the same ones stay as they were decided. */
export function orderTrials(
  trials: readonly StudyTrial[],
  { sort, order }: TrialOrder,
): readonly StudyTrial[] {
  const sign = order === 'ascending' ? 1 : -1
  return trials
    .map((trial) => ({ trial, key: keyOf(trial, sort) }))
    .sort((a, b) => {
      if (a.key === null || b.key === null)
        return Number(a.key === null) - Number(b.key === null) || a.trial.number - b.trial.number
      return sign * compareKeys(a.key, b.key) || a.trial.number - b.trial.number
    })
    .map(({ trial }) => trial)
}

/** As the terminal says it too: "confirms the plan, seed 43". */
export const purposeWord = ({ purpose, seed }: Pick<StudyTrial, 'purpose' | 'seed'>): string =>
  t(`studies.trials.purposes.${purpose}`, { seed: String(seed) })

/** How a trial stands; of one under way how far it is. `doneShare` is null where its run is not at work. */
export function statusWord({ status, work }: StudyTrial, doneShare: number | null): string {
  if (status === 'planned' && doneShare !== null)
    return t('studies.trials.underWay', { percent: formatPercent(doneShare) })
  if (status === 'planned' && work !== null) return t('studies.trials.begun')
  return t(`studies.trials.statuses.${status}`)
}

/** How far a search is, trials and confirming runs each by themselves: "8 of 12 trials: 6 to their end, 2 given up early; 0 of 6 confirming runs". */
export function progressWords(study: StudyCard): string {
  const kinds = countWords({ trials: study.trials, confirming: 0 })
  const searched = searchedWord(study)
  return [
    kinds === '' ? searched : t('studies.line.kinds', { trials: searched, kinds }),
    confirmedWord(study),
  ]
    .filter((part) => part !== '')
    .join('; ')
}

/**
 * "26 to their end, 4 given up early, 6 confirming runs": what there is none of is left out. `listed`: all of them; those of
 * another journal whose losses do not count stand as failed there, and did not fail.
 */
export function countWords(
  { trials, confirming }: Pick<StudyCard, 'trials' | 'confirming'>,
  listed: readonly StudyTrial[] = [],
): string {
  const leftOut = listed.filter((one) => one.purpose === 'search' && isDistrusted(one)).length
  const counts = { ...trials, failed: trials.failed - leftOut }
  const kinds = ['complete', 'pruned', 'skipped', 'failed', 'stopped'] as const
  return [
    ...kinds
      .filter((kind) => counts[kind] > 0)
      .map((kind) => t(`studies.trials.counts.${kind}`, { count: counts[kind] })),
    ...(leftOut > 0 ? [t('studies.list.leftOut', { count: leftOut })] : []),
    ...(confirming > 0 ? [t('studies.line.confirming', { count: confirming })] : []),
  ].join(', ')
}

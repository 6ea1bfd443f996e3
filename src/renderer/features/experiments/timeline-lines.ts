// What an entry of the timeline says in words: what was tried, setting by setting. Pure but for the words.
import type { TimelineEntry } from '#shared/contract/results.ts'
import { settingsTried } from '#shared/measuring-settings.ts'
import { t } from '../../words/index.ts'
import { settingLine } from './compare-words.ts'

export interface TriedLines {
  /** Stands before the list. */
  readonly lead: string
  readonly changes: readonly string[]
}

export function triedLines(entry: TimelineEntry): TriedLines {
  if (entry.kind === 'study')
    return { lead: t('experiments.timeline.searched'), changes: entry.searched.map(settingWords) }
  const { beside, changes, isOtherData, isOtherModel } = entry
  if (beside === null) return { lead: t('experiments.timeline.first'), changes: [] }
  const { tried, isMeasuredOtherwise } = settingsTried(changes)
  const lines = [
    ...(isOtherData ? [t('experiments.timeline.otherData')] : []),
    ...(isOtherModel ? [t('experiments.timeline.otherModel')] : []),
    ...tried.map(changeWords),
    ...(isMeasuredOtherwise ? [t('experiments.timeline.measured')] : []),
  ]
  const { name } = beside
  return lines.length === 0
    ? { lead: t('experiments.timeline.sameAs', { name }), changes: [] }
    : { lead: t('experiments.timeline.otherThan', { name }), changes: lines }
}

function settingWords(path: string): string {
  const { title, term } = settingLine({ path, values: [], isDifferent: false })
  return term === '' ? title : t('experiments.timeline.setting', { title, term })
}

function changeWords(change: TimelineEntry['changes'][number]): string {
  const { title, term, values } = settingLine(change)
  const [before = '', now = ''] = values
  return term === ''
    ? t('experiments.timeline.change', { title, before, now })
    : t('experiments.timeline.changeTerm', { title, term, before, now })
}

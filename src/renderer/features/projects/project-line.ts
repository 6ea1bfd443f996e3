// One line below a project's name: what there is, and what came of it; and how a search of it stands. Pure but for the words.
import type { ProjectCard } from '#shared/contract/projects.ts'
import type { StudyCard } from '#shared/contract/studies.ts'
import { formatDay } from '../../format.ts'
import { formatMetric } from '../../metric-words.ts'
import { t } from '../../words/index.ts'

export function projectLine({
  rows,
  runs,
  best,
  activeRunId,
  hasSample,
  lastActivityMs,
}: ProjectCard): string {
  const parts = [
    ...(rows === null ? [] : [t('common.rows', { count: rows })]),
    activeRunId === null ? t('projects.runs', { count: runs }) : t('projects.training'),
    ...(hasSample ? [t('projects.sample')] : []),
    t('projects.lastUsed', { day: formatDay(lastActivityMs) }),
  ]
  if (best !== null) {
    const { metric, tuned, base } = best
    const write = (value: number): string => formatMetric(metric, value)
    const values = {
      tuned: write(tuned.value),
      low: write(tuned.low),
      high: write(tuned.high),
      base: write(base.value),
    }
    parts.push(t(`projects.verdict.${best.verdict}`, values))
  }
  return parts.join(' · ')
}

/** What stands behind the name of a search that is not over. */
export function searchState({ status, waiting }: Pick<StudyCard, 'status' | 'waiting'>): string {
  if (status === 'paused') return t('studies.resting.isPaused')
  if (status === 'running') return t('studies.resting.running')
  return [t('studies.resting.waiting'), waiting ?? ''].join(' ').trim()
}

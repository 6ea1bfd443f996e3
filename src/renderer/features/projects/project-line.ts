// One line below a project's name: what there is, and what came of it. Pure but for the words.
import type { ProjectCard } from '#shared/contract/projects.ts'
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

// One line below a project's name: what there is, and what came of it. Pure but for the words.
import type { ProjectCard } from '#shared/contract/projects.ts'
import { isShare } from '#shared/metrics.ts'
import { formatDay, formatNumber, formatPercent } from '../../format.ts'
import { t } from '../../words/index.ts'

export function projectLine({ runs, best, activeRunId, hasSample, lastActivityMs }: ProjectCard): string {
  const parts = [
    activeRunId === null ? t('projects.runs', { count: runs }) : t('projects.training'),
    ...(hasSample ? [t('projects.sample')] : []),
    t('projects.lastUsed', { day: formatDay(lastActivityMs) }),
  ]
  if (best !== null) {
    const write = isShare(best.metric) ? formatPercent : formatNumber
    const { tuned, base } = best
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

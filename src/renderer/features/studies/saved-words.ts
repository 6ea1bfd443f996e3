// What a search saved against plain runs, in sentences. Pure but for the words.
import type { StudyView } from '#shared/contract/studies.ts'
import { formatNumber, formatShortTime } from '../../format.ts'
import { t } from '../../words/index.ts'

type Saved = NonNullable<StudyView['saved']>

/** A ratio below this is none: the reckoning is no better. */
const leastRatio = 1.05

export function savedHeading({ workedMs, plainMs }: Saved): string {
  const ratio = workedMs > 0 ? plainMs / workedMs : 0
  if (ratio < leastRatio) return t('studies.saved.none')
  return t('studies.saved.ratio', { times: formatNumber(Number(ratio.toPrecision(2))) })
}

/** Below a second it says nothing of a time. */
const leastMs = 1000
const reuseWord = (ms: number): string =>
  ms < leastMs ? t('studies.saved.reuseOnly') : t('studies.saved.reuse', { time: formatShortTime(ms) })

/** Where it came from, part by part; empty where nothing was saved. */
export function savedParts(saved: Saved): readonly string[] {
  const { byPruningMs, byReuseMs, stepsLeftOut, modelsReused, graphsReused, frozenRowsReused } = saved
  const reused = [
    ...(modelsReused > 0 ? [t('studies.saved.models', { count: modelsReused })] : []),
    ...(graphsReused > 0 ? [t('studies.saved.graphs', { count: graphsReused })] : []),
    ...(frozenRowsReused > 0 ? [t('studies.saved.rows', { count: frozenRowsReused })] : []),
  ]
  return [
    ...(stepsLeftOut > 0
      ? [t('studies.saved.pruning', { time: formatShortTime(byPruningMs), count: stepsLeftOut })]
      : []),
    ...(reused.length > 0 ? [`${reuseWord(byReuseMs)} ${reused.join(', ')}.`] : []),
  ]
}

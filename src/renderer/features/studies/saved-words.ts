// What a search saved against plain runs, in sentences. Pure but for the words.

import { roundedToSum } from '#shared/adding-up.ts'
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

const minuteMs = 60_000
/** As finely as the whole is told. Half hours are too coarse for parts: there each is rounded by itself. */
function toldTimes({ workedMs, plainMs, byPruningMs, byReuseMs }: Saved) {
  const times = [workedMs, byPruningMs, byReuseMs]
  if (plainMs >= mostMinutes * minuteMs)
    return { worked: workedMs, pruned: byPruningMs, reused: byReuseMs, plain: plainMs }
  const [worked = 0, pruned = 0, reused = 0] = roundedToSum(times, plainMs < minuteMs ? 1000 : minuteMs)
  return { worked, pruned, reused, plain: worked + pruned + reused }
}
const mostMinutes = 90

/** Both wholes, of which the parts are the difference. */
export function savedTook(saved: Saved): string {
  const { worked, plain } = toldTimes(saved)
  return t('studies.saved.took', { worked: formatShortTime(worked), plain: formatShortTime(plain) })
}

/** Below a second it says nothing of a time. */
const leastMs = 1000
const reuseWord = (ms: number): string =>
  ms < leastMs ? t('studies.saved.reuseOnly') : t('studies.saved.reuse', { time: formatShortTime(ms) })

/** Where it came from, part by part; empty where nothing was saved. */
export function savedParts(saved: Saved): readonly string[] {
  const { pruned, reused: byReuseMs } = toldTimes(saved)
  const { stepsLeftOut, modelsReused, graphsReused, frozenRowsReused } = saved
  const reused = [
    ...(modelsReused > 0 ? [t('studies.saved.models', { count: modelsReused })] : []),
    ...(graphsReused > 0 ? [t('studies.saved.graphs', { count: graphsReused })] : []),
    ...(frozenRowsReused > 0 ? [t('studies.saved.rows', { count: frozenRowsReused })] : []),
  ]
  return [
    ...(stepsLeftOut > 0
      ? [t('studies.saved.pruning', { time: formatShortTime(pruned), count: stepsLeftOut })]
      : []),
    ...(reused.length > 0 ? [`${reuseWord(byReuseMs)} ${reused.join(', ')}.`] : []),
  ]
}

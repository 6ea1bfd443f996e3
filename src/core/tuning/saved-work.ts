// What a study saved against plain runs, reckoned from what its runs told: no trial is computed twice to find out. Pure.
import type { StudyView } from '#shared/contract/studies.ts'
import type { StudyTrial } from '#shared/study.ts'

/** Of one run, as its "reused" events said. */
export interface ReuseTimes {
  readonly number: number
  readonly isModelReused: boolean
  readonly preparingMs: number
  readonly frozenRowsReused: number
  readonly frozenRowsComputed: number
  readonly frozenMs: number
}

/**
 * Reckoned low, since a computer that does other work makes some trials slow. Given up: the steps that were left out, at the
 * trial's own pace, but no slower than the median of those that came to their end. Reused: the model's loading, as long as
 * it took at least where it was loaded, and states of frozen blocks, as long as a row took at least where it was computed.
 * Runs that share nothing are what it is held against: plain runs of this program share states of frozen blocks too. Null before any
 * trial was computed.
 */
export function savedWorkOf(trials: readonly StudyTrial[], reuse: readonly ReuseTimes[]): StudyView['saved'] {
  const worked = trials.flatMap(({ number, status, work }) =>
    work?.durationMs ? [{ number, status, ...work, durationMs: work.durationMs }] : [],
  )
  if (worked.length === 0) return null
  const preparingOf = (number: number): number => reuse.find((one) => one.number === number)?.preparingMs ?? 0
  const pruned = worked.filter(({ status, steps }) => status === 'pruned' && steps > 0)
  const paceOf = ({ number, durationMs, steps }: { number: number; durationMs: number; steps: number }) =>
    Math.max(0, durationMs - preparingOf(number)) / steps
  const usual = median(
    worked.flatMap((one) => (one.status === 'complete' && one.steps > 0 ? [paceOf(one)] : [])),
  )
  const byPruningMs = sum(pruned, (one) => {
    const each = Math.min(paceOf(one), usual ?? Number.POSITIVE_INFINITY)
    return each * Math.max(0, one.plannedSteps - one.steps)
  })
  const byReuseMs = savedByReuse(reuse)
  const workedMs = sum(worked, ({ durationMs }) => durationMs)
  return {
    workedMs,
    plainMs: workedMs + byPruningMs + byReuseMs,
    byPruningMs,
    byReuseMs,
    modelsReused: worked.filter(({ isModelReused }) => isModelReused).length,
    graphsReused: sum(worked, ({ graphsReused }) => graphsReused),
    frozenRowsReused: sum(worked, ({ frozenRowsReused }) => frozenRowsReused),
    stepsLeftOut: sum(pruned, ({ steps, plannedSteps }) => Math.max(0, plannedSteps - steps)),
  }
}

function savedByReuse(reuse: readonly ReuseTimes[]): number {
  const whole = lowest(reuse.flatMap((one) => (one.isModelReused ? [] : [one.preparingMs])))
  const models = sum(reuse, (one) => (one.isModelReused ? Math.max(0, whole - one.preparingMs) : 0))
  const rowMs = lowest(
    reuse.flatMap(({ frozenRowsComputed, frozenMs }) =>
      frozenRowsComputed > 0 ? [frozenMs / frozenRowsComputed] : [],
    ),
  )
  return models + rowMs * sum(reuse, ({ frozenRowsReused }) => frozenRowsReused)
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0)

/** 0 of none. */
const lowest = (values: readonly number[]): number => (values.length === 0 ? 0 : Math.min(...values))

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? null
}

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
 * Given up: the steps that were left out, at the trial's own pace. Reused: the model's loading, as long as it took in the
 * median where it was loaded, and states of frozen blocks, as long as a row took where they were computed. Null before any
 * trial was computed.
 */
export function savedWorkOf(trials: readonly StudyTrial[], reuse: readonly ReuseTimes[]): StudyView['saved'] {
  const worked = trials.flatMap(({ number, status, work }) =>
    work?.durationMs ? [{ number, status, ...work, durationMs: work.durationMs }] : [],
  )
  if (worked.length === 0) return null
  const preparingOf = (number: number): number => reuse.find((one) => one.number === number)?.preparingMs ?? 0
  const pruned = worked.filter(({ status, steps }) => status === 'pruned' && steps > 0)
  const byPruningMs = sum(pruned, ({ number, durationMs, steps, plannedSteps }) => {
    const each = Math.max(0, durationMs - preparingOf(number)) / steps
    return each * Math.max(0, plannedSteps - steps)
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
  const whole = median(reuse.flatMap((one) => (one.isModelReused ? [] : [one.preparingMs])))
  const models =
    whole === null ? 0 : sum(reuse, (one) => (one.isModelReused ? Math.max(0, whole - one.preparingMs) : 0))
  const computed = sum(reuse, ({ frozenRowsComputed }) => frozenRowsComputed)
  const rowMs = computed === 0 ? 0 : sum(reuse, ({ frozenMs }) => frozenMs) / computed
  return models + rowMs * sum(reuse, ({ frozenRowsReused }) => frozenRowsReused)
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0)

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? null
}

// Settings and figures of the compared runs: taken apart run by run as the parts of the answer come, and put together in
// the order of the runs. Pure.
import type { CallOutput, ComparedMetric } from '#shared/contract/index.ts'
import type { MetricName } from '#shared/metrics.ts'
import type { Interval } from '#shared/proof-protocol.ts'

type Part = CallOutput<'experiments.compare'>
type Json = Part['settings'][number]['values'][number]

/** What is known of one run. */
export interface RunFacts {
  readonly settings: ReadonlyMap<string, Json>
  readonly figures: ReadonlyMap<MetricName, { readonly interval: Interval; readonly isHigherBetter: boolean }>
  readonly lockedRows: string | null
}

/** Of several runs, one value for each in their order. */
export interface ComparedSetting {
  readonly path: string
  readonly values: readonly Json[]
  readonly isDifferent: boolean
}
export interface ComparedFacts {
  readonly settings: readonly ComparedSetting[]
  readonly metrics: readonly ComparedMetric[]
  readonly lockedRows: readonly (string | null)[]
}

/** Of each run that the part is about, in their order. */
export const factsOf = ({ settings, metrics, lockedRows }: Part): RunFacts[] =>
  lockedRows.map((rows, at) => ({
    settings: new Map(settings.map(({ path, values, of }) => [path, values[of[at] ?? -1] ?? null])),
    figures: new Map(
      metrics.flatMap(({ metric, values, isHigherBetter }) => {
        const interval = values[at] ?? null
        return interval === null ? [] : [[metric, { interval, isHigherBetter }] as const]
      }),
    ),
    lockedRows: rows,
  }))

type Known = readonly (RunFacts | null)[]

/** null where nothing of a run is there yet: it has no values so long. The metrics that decide come first. */
export function joinFacts(runs: Known, deciding: ReadonlySet<MetricName>): ComparedFacts {
  return {
    settings: joinSettings(runs),
    metrics: joinFigures(runs, deciding),
    lockedRows: runs.map((run) => run?.lockedRows ?? null),
  }
}

function joinSettings(runs: Known): ComparedSetting[] {
  const paths = [...new Set(runs.flatMap((run) => [...(run?.settings.keys() ?? [])]))]
  return paths.map((path) => {
    const values = runs.map((run) => run?.settings.get(path) ?? null)
    const texts = new Set(values.flatMap((value, at) => (runs[at] ? JSON.stringify(value) : [])))
    return { path, values, isDifferent: texts.size > 1 }
  })
}

function joinFigures(runs: Known, deciding: ReadonlySet<MetricName>): ComparedMetric[] {
  const directions = new Map(
    runs.flatMap((run) =>
      [...(run?.figures ?? [])].map(([metric, { isHigherBetter }]) => [metric, isHigherBetter] as const),
    ),
  )
  return [...directions]
    .toSorted(([a], [b]) => Number(deciding.has(b)) - Number(deciding.has(a)))
    .map(([metric, isHigherBetter]) => ({
      metric,
      isHigherBetter,
      values: runs.map((run) => run?.figures.get(metric)?.interval ?? null),
    }))
}

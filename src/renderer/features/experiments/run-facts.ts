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
  /** Of each run whether anything is known of it: until then its values are none. */
  readonly isThere: readonly boolean[]
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
    isThere: runs.map((run) => run !== null),
    settings: joinSettings(runs),
    metrics: joinFigures(runs, deciding),
    lockedRows: runs.map((run) => run?.lockedRows ?? null),
  }
}

/** In the order in which they are met. */
function keysOf<K>(maps: readonly (ReadonlyMap<K, unknown> | undefined)[]): K[] {
  const found = new Set<K>()
  for (const map of maps) if (map !== undefined) for (const key of map.keys()) found.add(key)
  return [...found]
}

function joinSettings(runs: Known): ComparedSetting[] {
  const paths = keysOf(runs.map((run) => run?.settings))
  return paths.map((path) => {
    const values = runs.map((run) => run?.settings.get(path) ?? null)
    const first = values[runs.findIndex((run) => run !== null)] ?? null
    const isDifferent = values.some((value, at) => runs[at] && !isSame(value, first))
    return { path, values, isDifferent }
  })
}

/** Of ten thousand runs most values are numbers and words, and cost nothing to compare. */
const isSame = (one: Json, other: Json): boolean =>
  one === other ||
  (typeof one === 'object' && typeof other === 'object' && JSON.stringify(one) === JSON.stringify(other))

function joinFigures(runs: Known, deciding: ReadonlySet<MetricName>): ComparedMetric[] {
  return keysOf(runs.map((run) => run?.figures))
    .toSorted((a, b) => Number(deciding.has(b)) - Number(deciding.has(a)))
    .map((metric) => {
      const figures = runs.map((run) => run?.figures.get(metric) ?? null)
      return {
        metric,
        isHigherBetter: figures.find((one) => one !== null)?.isHigherBetter ?? false,
        values: figures.map((one) => one?.interval ?? null),
      }
    })
}

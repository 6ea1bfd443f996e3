// Figures of several runs' newest proofs beside each other, and which of them were measured on the same locked rows. Pure.
import { createHash } from 'node:crypto'
import type { ComparedMetric } from '#shared/contract/index.ts'
import { metricNames } from '#shared/metrics.ts'
import type { Interval, ProofSummary } from '#shared/proof-protocol.ts'
import { lockedRowsKey } from './compare-proofs.ts'

export interface ProvedRun {
  readonly datasetFingerprint: string
  /** null where it was not measured. */
  readonly summary: ProofSummary | null
}

/** Metrics without a better direction are left out: nothing is compared by them. The deciding ones come first. */
export function compareMetrics(runs: readonly ProvedRun[]): {
  metrics: ComparedMetric[]
  lockedRows: (string | null)[]
} {
  const deciding = new Set(runs.flatMap(({ summary }) => summary?.metric ?? []))
  const metrics = metricNames.flatMap((metric): ComparedMetric[] => {
    const found = runs.map(({ summary }) => summary?.comparisons.find((one) => one.metric === metric) ?? null)
    const isHigherBetter = found.find((one) => one !== null)?.isHigherBetter ?? null
    if (isHigherBetter === null) return []
    return [{ metric, isHigherBetter, values: found.map((one) => one && plain(one.tuned)) }]
  })
  return {
    metrics: metrics.toSorted((a, b) => Number(deciding.has(b.metric)) - Number(deciding.has(a.metric))),
    lockedRows: runs.map(rowsMark),
  }
}

/** The rows' key in few characters: it may name many rows. */
function rowsMark({ datasetFingerprint, summary }: ProvedRun): string | null {
  if (summary === null) return null
  const key = lockedRowsKey(datasetFingerprint, summary)
  return createHash('sha256').update(key).digest('hex').slice(0, 32)
}

const plain = ({ value, low, high }: Interval): Interval => ({ value, low, high })

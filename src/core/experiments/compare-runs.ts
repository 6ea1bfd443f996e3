// Settings and figures of several runs beside each other, from the journal.
import type { JournalReader } from '#journal/reader.ts'
import type { CallOutput } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { readableProof } from '../proof/proof-journal.ts'
import { compareMetrics } from './compare-metrics.ts'
import { compareSettings, eachValueOnce } from './compare-settings.ts'

export type ComparingReader = Pick<JournalReader, 'getRun' | 'datasets' | 'comparisons'>

/** Throws a ProblemError of the journal. */
export function compareRuns(
  reader: ComparingReader,
  runIds: readonly string[],
): CallOutput<'experiments.compare'> {
  const runs = runIds.map((runId) => unwrap(reader.getRun(runId)))
  const names = new Map(
    unwrap(reader.datasets()).map(({ fingerprint, sourceName }) => [fingerprint, sourceName]),
  )
  const settings = compareSettings(
    runs.map(({ recipe }) => recipe),
    (fingerprint) => names.get(fingerprint) ?? fingerprint,
  )
  const proved = runs.map(({ id, datasetFingerprint }) => ({
    datasetFingerprint,
    summary: readableProof(unwrap(reader.comparisons(id))),
  }))
  return { settings: settings.map(eachValueOnce), ...compareMetrics(proved) }
}

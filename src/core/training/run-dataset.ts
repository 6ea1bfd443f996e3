// The data set of a run as it was imported, by the journal: whether or not its rows are still on this computer.
import type { JournalReader } from '#journal/reader.ts'
import { type DatasetManifest, datasetManifest } from '#shared/dataset.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'

/** Throws ProblemError where the journal cannot be read. */
export function datasetOf(
  { datasetFingerprint }: Pick<RunDetail, 'datasetFingerprint'>,
  reader: Pick<JournalReader, 'datasets'>,
): DatasetManifest {
  const record = unwrap(reader.datasets()).find(({ fingerprint }) => fingerprint === datasetFingerprint)
  return datasetManifest.parse(record?.manifest)
}

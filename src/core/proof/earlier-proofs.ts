// How many proofs had used the same locked rows before. Each has shown somebody its result, whatever became of its run: who
// tries again after looking keeps the best of several looks, which is a little better than it is by luck.
import type { JournalReader } from '#journal/reader.ts'
import { datasetManifest } from '#shared/dataset.ts'
import type { JournalDataset } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'

export type LooksReader = Pick<JournalReader, 'datasets' | 'openings' | 'comparisons'>

/** Before `beforeMs` (UTC); left out, until now. A proof that was stopped showed nothing and does not count. */
export function earlierProofs(
  reader: LooksReader,
  fingerprint: string,
  beforeMs = Number.POSITIVE_INFINITY,
): number {
  const looks = sameLockedRows(unwrap(reader.datasets()), fingerprint).flatMap((one) =>
    unwrap(reader.openings(one)),
  )
  const runIds = new Set(looks.flatMap(({ runId }) => runId ?? []))
  return [...runIds]
    .flatMap((runId) => unwrap(reader.comparisons(runId)))
    .filter(({ createdAtMs }) => createdAtMs < beforeMs).length
}

/** For whoever reads lines; none where it was the first. */
export const earlierProofsNote = (count: number): string[] =>
  count === 0
    ? []
    : [
        `  ${count} earlier ${count === 1 ? 'proof' : 'proofs'} used the same locked rows. Whoever tries again after looking keeps the best of several`,
        '  looks: each look makes the best of them look a little better than it is. Choose by the validation loss.',
      ]

/** Fingerprints of this data set and of those that lock the very same rows, say after training rows were mended. */
function sameLockedRows(datasets: readonly JournalDataset[], fingerprint: string): string[] {
  const lockedOf = ({ manifest }: JournalDataset): string | null => {
    const parsed = datasetManifest.safeParse(manifest)
    return parsed.success ? parsed.data.files.test.sha256 : null
  }
  const own = datasets.find((dataset) => dataset.fingerprint === fingerprint)
  const locked = own === undefined ? null : lockedOf(own)
  const same = locked === null ? [] : datasets.filter((dataset) => lockedOf(dataset) === locked)
  return [...new Set([fingerprint, ...same.map((dataset) => dataset.fingerprint)])]
}

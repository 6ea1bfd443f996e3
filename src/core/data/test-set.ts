// The lock on the test set. Whoever wants its rows hands over where the opening is recorded, and gets them only after
// that is done. Only core/proof may import this file; a test of the architecture holds it to that.
import type { TestSetOpening } from '#shared/dataset.ts'
import { attemptAsync, type Result } from '#shared/result.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { loadManifest, parseRows, readVerified } from './dataset-folder.ts'

/**
 * Records the opening, then reads the rows. Where `record` throws or rejects nothing is read; a ProblemError it throws
 * becomes the Result's Problem. Rows that do not match the manifest's hash are `data.damaged`.
 */
export function openTestSet(
  folder: string,
  record: (opening: TestSetOpening) => Promise<void>,
): Promise<Result<DatasetRow[]>> {
  return attemptAsync(async () => {
    const manifest = await loadManifest(folder)
    const { test } = manifest.files
    await record({ datasetFingerprint: manifest.fingerprint, rows: test.rows, sha256: test.sha256 })
    return parseRows(await readVerified(folder, test), folder)
  })
}

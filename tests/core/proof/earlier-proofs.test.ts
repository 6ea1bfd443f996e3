// How many looks there were at the same locked rows before a proof: of the same run, of others, of data sets that lock the
// same rows; those that were stopped showed nothing.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { earlierProofs, earlierProofsNote } from '#core/proof/earlier-proofs.ts'
import { openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import { addSampleLibrary, good, sampleLibrary } from '../../journal/support/sample.ts'
import { recordProof, recordRun } from '../experiments/recorded.ts'

const { fingerprint } = sampleLibrary.dataset

function openJournal() {
  let nowMs = Date.UTC(2025, 5, 15, 12)
  const path = join(temporaryFolder(), 'journal.db')
  const writer = good(openJournalWriter(path, { now: () => (nowMs += 60_000) }))
  return { writer, newRun: addSampleLibrary(writer), reader: good(openJournalReader(path)) }
}

async function prove(writer: JournalWriter, runId: string, about = fingerprint): Promise<void> {
  good(writer.recordTestSetOpening({ datasetFingerprint: about, runId, purpose: 'proof' }))
  await recordProof(writer, { runId, fingerprint: about, right: 40, rows: 60 })
}

test('every measured proof counts, also of a run that was removed; one that was stopped does not', async () => {
  const { writer, newRun, reader } = openJournal()
  const first = await recordRun(writer, newRun, { name: 'First' })
  const second = await recordRun(writer, newRun, { name: 'Second' })
  expect(earlierProofs(reader, fingerprint)).toBe(0)
  good(writer.recordTestSetOpening({ datasetFingerprint: fingerprint, runId: first, purpose: 'proof' }))
  expect(earlierProofs(reader, fingerprint)).toBe(0)
  await prove(writer, first)
  await prove(writer, second)
  good(writer.removeRuns([first]))
  expect(earlierProofs(reader, fingerprint)).toBe(2)
  const [proof] = good(reader.comparisons(second))
  expect(earlierProofs(reader, fingerprint, proof?.createdAtMs)).toBe(1)
  reader.close()
  good(writer.close())
})

test('rows that were mended and split alike lock the same rows under another fingerprint', async () => {
  const { writer, newRun, reader } = openJournal()
  const file = (sha256: string) => ({ name: 'x.jsonl', rows: 1, sizeBytes: 1, sha256 })
  const dataset = (name: string, locked: string) => ({
    ...sampleLibrary.dataset,
    fingerprint: name,
    manifest: {
      ...{
        version: 1,
        fingerprint: name,
        contentSha256: `${name}${'0'.repeat(48)}`,
        scenario: 'classification',
      },
      source: { name: 'mail.csv', sizeBytes: 1, sha256: 'a'.repeat(64) },
      format: {
        ...{ format: 'csv', encoding: 'utf-8', encodingFrom: 'valid UTF-8', delimiter: ',' },
        ...{ hasQuotes: false, hasHeader: true, listName: null },
      },
      ...{ columns: {}, labels: null, split: { seed: 1, validationShare: 0.1, testShare: 0.2 } },
      counts: { train: 1, validation: 1, test: 1, leftOut: 0 },
      ...{ duplicateRows: 0, contradictions: 0 },
      files: {
        train: file(`${name}${'1'.repeat(48)}`),
        validation: file('b'.repeat(64)),
        test: file(locked),
        leftOut: file('c'.repeat(64)),
      },
    },
  })
  const [before, mended, others] = ['a'.repeat(16), 'b'.repeat(16), 'c'.repeat(16)] as const
  good(writer.addDataset(dataset(before, 'e'.repeat(64))))
  good(writer.addDataset(dataset(mended, 'e'.repeat(64))))
  good(writer.addDataset(dataset(others, 'f'.repeat(64))))
  const runId = await recordRun(writer, newRun, { name: 'First' })
  await prove(writer, runId, before)
  expect([before, mended, others].map((one) => earlierProofs(reader, one))).toEqual([1, 1, 0])
  reader.close()
  good(writer.close())
})

test('the note says what it means, and nothing where nobody has looked', () => {
  expect(earlierProofsNote(0)).toEqual([])
  expect(earlierProofsNote(1).join(' ')).toContain('1 earlier proof used the same locked rows')
  expect(earlierProofsNote(3).join(' ')).toContain('3 earlier proofs')
})

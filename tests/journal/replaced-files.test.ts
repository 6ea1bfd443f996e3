// A run that went on wrote its files again under the same paths: one of each is there, and the journal says which, whether
// today's program or an earlier one wrote it, and wherever the run is taken.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalArchive } from '#journal/archive-rows.ts'
import { openForReading } from '#journal/connection.ts'
import { openForeignJournal } from '#journal/foreign.ts'
import { openImportSource } from '#journal/import-source.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { placeReal, type RealName, realJournals } from '../migrations/real-journals.ts'
import { openSample, temporaryFolder } from './support/folders.ts'
import { good } from './support/sample.ts'

interface RawFile {
  readonly run_id: string
  readonly path: string
  readonly sha256: string
  readonly created_at_ms: number
  readonly removed_at_ms: number | null
}

function rawFiles(path: string): RawFile[] {
  const db = openForReading(path)
  try {
    return db.prepare<[], RawFile>('SELECT * FROM artifacts ORDER BY created_at_ms, id').all()
  } finally {
    db.close()
  }
}

const isHere = ({ removed_at_ms }: RawFile): boolean => removed_at_ms === null

test('what a run writes again takes the place of what it wrote before, at that moment', () => {
  let nowMs = 1_750_000_000_000
  const { writer, path, newRun } = openSample({ now: () => nowMs++ })
  const one = good(writer.createRun(newRun)).id
  const other = good(writer.createRun(newRun)).id
  const add = (runId: string, name: string, digit: string): void => {
    const file = { runId, kind: 'adapter', path: `runs/x/${name}`, bytes: 9 } as const
    good(writer.addArtifact({ ...file, sha256: digit.repeat(64) }))
  }
  for (const digit of ['1', '2', '3']) add(one, 'weights', digit)
  add(one, 'config', '4')
  add(other, 'weights', '5')
  const rows = rawFiles(path)
  expect(rows.filter(isHere).map(({ sha256 }) => sha256[0])).toEqual(['3', '4', '5'])
  expect(rows[0]?.removed_at_ms).toBe(rows[1]?.created_at_ms)
  expect(rows[1]?.removed_at_ms).toBe(rows[2]?.created_at_ms)
  good(writer.close())
})

/** Of the run of that journal that was stopped and gone on with. */
function expectOneOfEach(reader: JournalReader, before: readonly RawFile[]): string {
  const again = before.find((file, at) => before.findIndex(({ path }) => path === file.path) < at)
  if (again === undefined) throw new Error('no file was written twice')
  const files = good(reader.artifacts(again.run_id))
  expect(files).toHaveLength(before.filter(({ run_id }) => run_id === again.run_id).length)
  const present = files.filter(({ removedAtMs }) => removedAtMs === null)
  expect(present).toHaveLength(new Set(files.map(({ path }) => path)).size)
  const weights = present.find(({ path }) => path.endsWith('.safetensors'))
  expect(weights?.sha256).toBe(good(reader.getRun(again.run_id)).adapterSha256)
  const replaced = files.find(({ path, removedAtMs }) => path === again.path && removedAtMs !== null)
  expect(replaced?.removedAtMs).toBe(again.created_at_ms)
  return again.run_id
}

const withResumedRun: readonly RealName[] = ['schema-6-late', 'schema-8-early', 'schema-8-late']

test.each(withResumedRun)(
  '%s, which says of every one that it is there, is read and taken over so',
  (name) => {
    const path = placeReal(name, join(temporaryFolder(), 'journal.db'))
    const before = rawFiles(path)
    expect(before.filter(isHere)).toHaveLength(before.length)
    const foreign = good(openForeignJournal(path, { folder: temporaryFolder() }))
    const runId = expectOneOfEach(foreign.reader, before)
    foreign.reader.close()

    const target = join(temporaryFolder(), 'journal.db')
    const writer = good(openJournalWriter(target))
    const source = good(openImportSource(path, 'journal.db', temporaryFolder()))
    const choice = { origin: null, hasFile: () => true, bringsBack: false, isWithoutTexts: false }
    expect(good(good(writer.importing(source, choice)).run(runId))).toBe('added')
    const taken = rawFiles(target)
    expect(taken.filter(isHere)).toHaveLength(new Set(taken.map((file) => file.path)).size)
    const reader = good(openJournalReader(target))
    expectOneOfEach(reader, taken)
    reader.close()
    // It says once more that the files of before are there.
    expect(good(good(writer.importing(source, choice)).run(runId))).toBe('known')
    expect(rawFiles(target)).toEqual(taken)
    source.close()
    good(writer.close())
  },
)

test.each(realJournals)(
  '$name, carried out as it is, says of its files what is said of them once it is up to date',
  ({ name }) => {
    const path = placeReal(name, join(temporaryFolder(), 'journal.db'))
    const archive = good(openJournalArchive(path))
    const carriedOut = [...archive.rows('artifacts', null)]
    archive.close()
    const foreign = good(openForeignJournal(path, { folder: temporaryFolder() }))
    const runIds = [...new Set(carriedOut.map(({ runId }) => String(runId)))]
    const shown = runIds.flatMap((runId) => good(foreign.reader.artifacts(runId)))
    foreign.reader.close()
    const byId = (a: { readonly id?: unknown }, b: { readonly id?: unknown }) =>
      String(a.id).localeCompare(String(b.id))
    expect(carriedOut.toSorted(byId)).toEqual(shown.map((file) => ({ ...file })).toSorted(byId))
    const here = carriedOut.filter(({ removedAtMs }) => removedAtMs === null)
    expect(here).toHaveLength(new Set(carriedOut.map(({ runId, path }) => `${runId} ${path}`)).size)
  },
)

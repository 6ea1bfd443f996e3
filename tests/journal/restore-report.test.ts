// What a restore tells: a head that rotted is damage and no other program's file, and what is lost besides events is counted.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { isSoundJournal, restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { openSample } from './support/folders.ts'
import { codeOf, good, stepEvent } from './support/sample.ts'
import { addSampleStudy } from './support/study.ts'

function sampleWithRun() {
  const sample = openSample()
  const { id } = good(sample.writer.createRun(sample.newRun))
  good(sample.writer.startAttempt(id))
  good(sample.writer.appendEvents(id, 1, [stepEvent(1, 1), stepEvent(2, 2), stepEvent(3, 3)]))
  return { ...sample, id }
}

test.each([
  ['the version', 63, 1],
  ['the version, to none', 63, 8],
  ['the mark of the program', 68, 1],
  ['the form of the file', 18, 1],
  ['the form of the schema', 47, 1],
])('one flipped bit in %s is damage, and a backup mends it', (_what, at, bit) => {
  const { writer, path, id } = sampleWithRun()
  good(writer.backup())
  good(writer.close())
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ bit
  writeFileSync(path, bytes)
  expect(codeOf(openJournalWriter(path))).toBe('journal.corrupt')
  expect(isSoundJournal(path)).toBe(false)
  // Where not even its tables are read, nobody knows what is lost.
  expect(good(restoreBackup(path)).missing).toEqual(at === 47 ? null : [])
  expect(isSoundJournal(path)).toBe(true)
  const reader = good(openJournalReader(path))
  expect(good(reader.getRun(id)).headSeq).toBe(3)
  reader.close()
})

test('a restore counts what is lost besides events: proofs, marks, searches, projects', () => {
  const { writer, path, newRun, id } = sampleWithRun()
  const second = good(writer.createRun({ ...newRun, name: 'Left alone' }))
  const { path: backup } = good(writer.backup())
  good(writer.markRun(id, { rating: 5 }))
  good(
    writer.addEvaluation({
      runId: id,
      subject: 'base',
      datasetFingerprint: 'd'.repeat(64),
      metrics: {},
      answers: [{ rowId: '1', expected: 'a', answer: 'a', scores: {} }],
    }),
  )
  good(writer.addProject({ name: 'Later', scenario: 'code' }))
  addSampleStudy(writer, newRun, 'study-0')
  good(writer.close())
  const report = good(restoreBackup(path, { name: basename(backup) }))
  expect(report.alsoLost).toEqual({ measurements: 1, markedRuns: 1, studies: 1, projects: 1 })
  expect(report.missing?.filter(({ runId }) => runId === id || runId === second.id)).toEqual([])
})

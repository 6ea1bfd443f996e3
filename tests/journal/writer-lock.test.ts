// One writer at a time, in this process or any other; its death frees the journal, however it dies.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { startChild } from './support/child.ts'
import { openSample, temporaryFolder } from './support/folders.ts'
import { codeOf, good } from './support/sample.ts'

test('a second writer in the same process is refused and told who has it', () => {
  const { writer, path } = openSample()
  const second = openJournalWriter(path)
  expect(codeOf(second)).toBe('journal.locked')
  expect(!second.ok && second.problem.message).toContain(`process ${process.pid}`)
  expect(codeOf(restoreBackup(path))).toBe('journal.locked')
  good(writer.close())
  good(good(openJournalWriter(path)).close())
})

test('a refused second writer does not break the first one', () => {
  const { writer, path, newRun } = openSample()
  for (let i = 0; i < 5; i++) expect(codeOf(openJournalWriter(path))).toBe('journal.locked')
  good(writer.createRun(newRun))
  expect(codeOf(openJournalWriter(path))).toBe('journal.locked')
  good(writer.close())
})

test('another process holds the journal until it is killed, and readers work meanwhile', async () => {
  const path = join(temporaryFolder(), 'journal.db')
  const child = startChild('appender.ts', [path, '1'])
  await child.untilLine(5)
  const refused = openJournalWriter(path)
  expect(codeOf(refused)).toBe('journal.locked')
  expect(!refused.ok && refused.problem.message).toContain(`process ${child.process.pid}`)
  const reader = good(openJournalReader(path))
  expect(good(reader.listRuns()).total).toBeGreaterThan(0)

  child.process.kill('SIGKILL')
  expect((await child.gone).errors).toBe('')
  const writer = good(openJournalWriter(path))
  expect(writer.opened).toMatchObject({ afterUncleanExit: true, isNew: false, notices: [] })
  expect(good(reader.listRuns()).total).toBeGreaterThan(0)
  reader.close()
  good(writer.close())
})

test('a stopped process still holds it', async () => {
  const path = join(temporaryFolder(), 'journal.db')
  const child = startChild('appender.ts', [path, '1'])
  await child.untilLine(3)
  child.process.kill('SIGSTOP')
  expect(codeOf(openJournalWriter(path))).toBe('journal.locked')
  child.process.kill('SIGCONT')
  child.process.kill('SIGKILL')
  await child.gone
  good(good(openJournalWriter(path)).close())
})

test('a name left behind by a dead process, damaged or not, does not lock anything', () => {
  for (const text of ['{"pid": 1}', 'not json', '']) {
    const path = join(temporaryFolder(), 'journal.db')
    writeFileSync(`${path}.holder`, text)
    writeFileSync(`${path}.lock`, '')
    good(good(openJournalWriter(path)).close())
  }
})

test('a closed writer answers journal.closed, and closing twice is harmless', () => {
  const { writer, newRun } = openSample()
  good(writer.close())
  good(writer.close())
  expect(codeOf(writer.createRun(newRun))).toBe('journal.closed')
  expect(codeOf(writer.backup())).toBe('journal.closed')
})

test('a closed reader answers journal.closed', () => {
  const { writer, path } = openSample()
  const reader = good(openJournalReader(path))
  reader.close()
  expect(codeOf(reader.listRuns())).toBe('journal.closed')
  good(writer.close())
})

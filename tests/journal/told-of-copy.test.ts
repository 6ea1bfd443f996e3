// What is wrong with a journal that is only looked into: told of the file that a person knows, with what helps there. Bug:
// "tunewright journal restore" was advised, which acts on one's own library, and a copy in the temporary folder was named.
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { openForeignJournal } from '#journal/foreign.ts'
import { forgeRows } from '../support/forged-rows.ts'
import { openSample } from './support/folders.ts'
import { good, stepEvent } from './support/sample.ts'

/** Closed, with one run. */
function journalWithRun() {
  const { writer, path, newRun } = openSample()
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 1, [stepEvent(1, 1), stepEvent(2, 2)]))
  good(writer.setRunStatus(id, 'interrupted'))
  good(writer.close())
  return { path, id }
}

const other = { remedy: expect.stringContaining('Get another copy of this file') }

test.each([
  [{}, other],
  [{ isOwn: true }, { remedy: expect.stringContaining('tunewright journal restore') }],
])('damage that is met later, %j', (options, told) => {
  const { path, id } = journalWithRun()
  expect(forgeRows(path, 'events_never_change', 'UPDATE events SET at_ms = 1 WHERE seq = 2')).toBe(1)
  const { reader, toldAs } = good(openForeignJournal(path, options))
  onTestFinished(() => reader.close())
  expect(reader.thinCurve(id, 9)).toMatchObject({
    problem: { code: 'journal.corrupt', where: path, ...told },
  })
  const met = { code: 'journal.failed', message: '', where: reader.path, remedy: 'Try again.' } as const
  expect(toldAs(met)).toEqual({ ...met, where: path })
})

test.each([
  [{}, other],
  [{ isOwn: true }, { remedy: expect.stringContaining('tunewright journal accept') }],
  [{ shownAs: 'Clinic, January.db' }, { ...other, where: 'Clinic, January.db' }],
])('a change that is met when it is opened, %j', (options, told) => {
  const { path } = journalWithRun()
  const db = new Database(path)
  db.exec("UPDATE projects SET name = 'Other'")
  db.close()
  expect(openForeignJournal(path, options)).toMatchObject({
    problem: { code: 'journal.changed', where: path, ...told },
  })
})

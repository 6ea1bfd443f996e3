// One event whose kind rotted: by its kind nobody finds it any more. Whatever is asked of its run says so; nothing is
// answered as if it had never been.
import { expect, onTestFinished, test } from 'vitest'
import { openJournalArchive } from '#journal/archive-rows.ts'
import { openForeignJournal } from '#journal/foreign.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { NewEvent } from '#shared/journal-commands.ts'
import { otherJournal } from '../core/archive/other-journal.ts'
import { forgeRows } from '../support/forged-rows.ts'
import { openSample } from './support/folders.ts'
import { codeOf, evaluationEvent, good, stepEvent } from './support/sample.ts'

const startMs = 1_750_000_000_000
const said = (seq: number, kind: string): NewEvent => ({
  seq,
  atMs: startMs + seq,
  kind,
  body: { text: kind },
})
const events = [
  said(1, 'plan'),
  stepEvent(2, 1),
  said(3, 'paused'),
  said(4, 'resumed'),
  evaluationEvent(5, 1, 0.5, true),
  said(6, 'notice'),
  said(7, 'notice'),
  stepEvent(8, 2),
]

/** A closed journal with one run of these events. */
function closedJournal(): { path: string; id: string } {
  const { writer, path, newRun } = openSample()
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 1, events))
  good(writer.setRunStatus(id, 'interrupted'))
  good(writer.close())
  return { path, id }
}

const rotKind = (path: string, id: string, seq: number, kind: string): void => {
  const changed = forgeRows(
    path,
    'events_never_change',
    'UPDATE events SET kind = ? WHERE run_id = ? AND seq = ?',
    kind,
    id,
    seq,
  )
  expect(changed).toBe(1)
}

function readerOf(path: string) {
  const reader = good(openJournalReader(path))
  onTestFinished(() => reader.close())
  return reader
}

function pointsOf(path: string, id: string): unknown[] {
  const archive = good(openJournalArchive(path))
  try {
    return [...archive.points(id)]
  } finally {
    archive.close()
  }
}

test('sound, every kind is found', () => {
  const { path, id } = closedJournal()
  const reader = readerOf(path)
  const seqs = (kind: string, most = 9) => good(reader.eventsOfKind(id, kind, most)).map(({ seq }) => seq)
  expect(['plan', 'paused', 'notice', 'step', 'samples'].map((kind) => seqs(kind))).toEqual([
    [1],
    [3],
    [6, 7],
    [2, 8],
    [],
  ])
  expect(good(reader.timeAtWork(id))).toBe(6)
  expect(pointsOf(path, id)).toHaveLength(3)
})

// A flipped bit each: one letter of "plan", "step", "paused", "evaluation", "notice" is another one. The last two came
// near enough to be taken for a kind that there is.
test.each([
  [1, 'pl!n'],
  [2, 'rtep'],
  [3, 'qaused'],
  [3, 'reused'],
  [5, 'evaluatioo'],
  [7, 'ootice'],
  [8, 'stdp'],
])(
  'event %i, now of kind %s: questions by kind and by time, and points carried out, are refused',
  (seq, kind) => {
    const { path, id } = closedJournal()
    rotKind(path, id, seq, kind)
    const reader = readerOf(path)
    for (const asked of ['plan', 'paused', 'resumed', 'evaluation', 'notice', 'reused', 'samples', 'step'])
      expect(codeOf(reader.eventsOfKind(id, asked, 9)), asked).toBe('journal.corrupt')
    expect(codeOf(reader.timeAtWork(id))).toBe('journal.corrupt')
    expect(() => pointsOf(path, id)).toThrow(`event ${seq} of run ${id} was changed`)
    const archive = good(openJournalArchive(path))
    expect(() => [...archive.rows('events', null)]).toThrow(`event ${seq} of run ${id} was changed`)
    archive.close()
  },
)

test.each([
  ['in between', 4],
  ['the last step', 8],
])('an event that is missing %s is noticed by whoever asks by kind', (_, seq) => {
  const { path, id } = closedJournal()
  forgeRows(path, 'events_never_vanish', 'DELETE FROM events WHERE run_id = ? AND seq = ?', id, seq)
  const reader = readerOf(path)
  expect(codeOf(reader.eventsOfKind(id, 'notice', 9))).toBe('journal.corrupt')
  expect(codeOf(reader.timeAtWork(id))).toBe('journal.corrupt')
  expect(() => pointsOf(path, id)).toThrow('is missing')
  if (seq === 4) expect(codeOf(reader.events(id))).toBe('journal.corrupt')
})

test('the cut end of a run that went over steps again is not taken for whole because it came further before', () => {
  const { writer, path, newRun } = openSample()
  const { id } = good(writer.createRun(newRun))
  const steps = (from: number, to: number, seq: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => stepEvent(seq + i, from + i))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 1, [...steps(1, 8, 1), evaluationEvent(9, 8, 0.5, true), ...steps(9, 10, 10)]))
  good(writer.setRunStatus(id, 'interrupted'))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 2, [said(12, 'plan'), ...steps(6, 8, 13)]))
  good(writer.setRunStatus(id, 'interrupted'))
  good(writer.close())
  good(readerOf(path).curve(id))
  forgeRows(path, 'events_never_vanish', 'DELETE FROM events WHERE seq > 12')
  const reader = readerOf(path)
  for (const answer of [
    reader.curve(id),
    reader.thinCurve(id, 4),
    reader.timeAtWork(id),
    reader.eventsOfKind(id, 'plan', 2),
  ])
    expect(codeOf(answer)).toBe('journal.corrupt')
})

test('a time that rotted gives no other time at work', () => {
  const { path, id } = closedJournal()
  forgeRows(path, 'events_never_change', 'UPDATE events SET at_ms = at_ms + 4096 WHERE seq = 8')
  expect(codeOf(readerOf(path).timeAtWork(id))).toBe('journal.corrupt')
})

test('a trial whose measurement rotted in another journal: said as damage, not as a false loss', () => {
  const { path, studyId } = otherJournal({ runs: 1 })
  const [trial] = good(readerOf(path).trials(studyId))
  rotKind(path, trial?.runId ?? '', 2, 'evaluatioo')
  const { reader } = good(openForeignJournal(path, { isAtRest: true }))
  onTestFinished(() => reader.close())
  expect(good(reader.trials(studyId))[0]).toMatchObject({
    ...{ status: 'failed', lossNats: null },
    reason: expect.stringContaining('An event of its run is damaged'),
  })
})

test('the journal itself opens for writing and tells which event it is', () => {
  const { path, id } = closedJournal()
  rotKind(path, id, 6, 'motice')
  const writer = good(openJournalWriter(path))
  expect(good(readerOf(path).verifyChain(id))).toMatchObject({ intact: false, firstBadSeq: 6 })
  good(writer.close())
})

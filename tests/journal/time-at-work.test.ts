// How long a run was at work, and whether anything was computed of late, as the journal tells it.
import { expect, onTestFinished, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import type { NewEvent } from '#shared/journal-commands.ts'
import { openSample } from './support/folders.ts'
import { good } from './support/sample.ts'

const minuteMs = 60_000
const startMs = 1_750_000_000_000
const at = (seq: number, minutes: number, kind: string, body: object = {}): NewEvent => ({
  seq,
  atMs: startMs + minutes * minuteMs,
  kind,
  body: body as NewEvent['body'],
})

function openBoth() {
  const sample = openSample()
  const reader = good(openJournalReader(sample.path))
  onTestFinished(() => {
    reader.close()
    sample.writer.close()
  })
  return { ...sample, reader }
}

test('pauses, the time between attempts and a computer that slept are no work', () => {
  const { writer, reader, newRun } = openBoth()
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  good(
    writer.appendEvents(id, 1, [
      at(1, 0, 'phase'),
      at(2, 1, 'step', { step: 1, durationMs: 50_000 }),
      at(3, 2, 'paused'),
      at(4, 60, 'resumed'),
      at(5, 61, 'step', { step: 2, durationMs: 50_000 }),
    ]),
  )
  good(writer.setRunStatus(id, 'interrupted'))
  good(writer.startAttempt(id))
  good(
    writer.appendEvents(id, 2, [
      at(6, 300, 'phase'),
      // Hours within a step of two minutes, and a long silence that says nothing of its own time.
      at(7, 900, 'step', { step: 3, durationMs: 2 * minuteMs }),
      at(8, 905, 'checkpoint'),
    ]),
  )
  expect(good(reader.timeAtWork(id))).toBe((2 + 1 + 2 + 5) * minuteMs)
  expect(good(reader.timeAtWork(good(writer.createRun(newRun)).id))).toBe(0)
})

test('asked again and again while it is written, it is what it would be asked once', () => {
  const { writer, reader, path, newRun } = openBoth()
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  const events = [
    at(1, 0, 'phase'),
    at(2, 1.3, 'step', { step: 1, durationMs: 120.5 }),
    // Long silent, and its own time has half milliseconds.
    at(3, 90, 'step', { step: 2, durationMs: 30_000.4 }),
    at(4, 180, 'step', { step: 3, durationMs: 30_000.4 }),
    at(5, 181, 'paused'),
    at(6, 200, 'resumed'),
    at(7, 202, 'step', { step: 4, durationMs: 60_000 }),
  ]
  for (const event of events) {
    good(writer.appendEvents(id, 1, [event]))
    const fresh = good(openJournalReader(path))
    expect(good(reader.timeAtWork(id))).toBe(good(fresh.timeAtWork(id)))
    fresh.close()
  }
  expect(good(reader.timeAtWork(id))).toBe(180_121)
})

test('a run that computes or ended since then counts, one that ended before or waits does not', () => {
  const { writer, reader, newRun } = openBoth()
  const { id } = good(writer.createRun(newRun))
  expect(good(reader.hasRunSince(0))).toBe(false)
  good(writer.startAttempt(id))
  expect(good(reader.hasRunSince(Number.MAX_SAFE_INTEGER))).toBe(true)
  good(writer.setRunStatus(id, 'cancelled'))
  const { endedAtMs } = good(reader.getRun(id))
  expect(good(reader.hasRunSince(endedAtMs ?? 0))).toBe(true)
  expect(good(reader.hasRunSince((endedAtMs ?? 0) + 1))).toBe(false)
})

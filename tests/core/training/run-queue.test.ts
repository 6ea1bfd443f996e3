// The queue over a real journal: who goes first, what waits and why, and what is left of it after a restart. Runs are
// launched and ended by hand here; with real trainers: tests/core/workstation/run-queue.test.ts.
import { expect, test, vi } from 'vitest'
import { whileMeasuring } from '#core/devices/measuring-lock.ts'
import { openLibrary } from '#core/system/library.ts'
import type { GraphicsCard } from '#shared/contract/index.ts'
import { fail, ok } from '#shared/result.ts'
import { codeOf, good } from '../../journal/support/sample.ts'
import {
  closeJournal,
  lookOf,
  names,
  newRun,
  newStudy,
  openJournal,
  openQueue,
  patience,
  put,
  stand,
  statusOf,
} from './queue-stand.ts'

test('a run begins at once where nothing is ahead; the next one waits, says why, and begins at its end', async () => {
  const desk = openQueue()
  const [first, second, third] = [newRun('One'), newRun('Two'), newRun('Three')]
  expect(await put(desk.queue, first, second, third)).toEqual([ok({}), ok({}), ok({})])
  expect(desk.launched).toEqual([[first, null]])
  expect([statusOf(first), statusOf(second)]).toEqual(['running', 'queued'])
  expect(names(desk)).toEqual(['One: running', 'Two: waiting', 'Three: waiting'])
  expect(desk.queue.list()[0]).toMatchObject({ reason: 'It learns: step 3 of 9.', timeLeftMs: 360_000 })
  expect(desk.queue.waitingReason('run', second)).toBe('It waits for the run “One”: about 6 minutes left.')
  expect(desk.queue.waitingReason('run', third)).toBe(
    'It waits for the run “One”: about 6 minutes left, and 1 more is before it.',
  )
  expect(desk.queue.waitingReason('run', first)).toBeNull()
  await desk.end(first)
  expect(desk.launched).toEqual([
    [first, null],
    [second, null],
  ])
  await desk.end(second)
  expect(desk.launched.map(([id]) => id)).toEqual([first, second, third])
  await desk.end(third)
  expect(desk.queue.list()).toEqual([])
  expect(good(stand.reader.queue())).toEqual([])
  expect(desk.told.at(-1)).toEqual([])
})

test('a waiting run is moved, taken out, and not put in twice; one at work is not taken out', async () => {
  const desk = openQueue()
  const { queue } = desk
  const [first, second, third] = [newRun('One'), newRun('Two'), newRun('Three')]
  await put(queue, first, second, third)
  expect(codeOf(await queue.enqueueRun(second))).toBe('run.active')
  expect(codeOf(await queue.enqueueRun(first))).toBe('run.active')
  expect(codeOf(await queue.remove('run', first))).toBe('run.active')
  expect(codeOf(await queue.remove('run', newRun('Never put in')))).toBe('run.not-resumable')
  expect(codeOf(await queue.enqueueRun('nobody'))).toBe('run.unknown')
  good(queue.move('run', third, 1))
  expect(names(desk)).toEqual(['One: running', 'Three: waiting', 'Two: waiting'])
  expect(desk.told.at(-1)?.map(({ name }) => name)).not.toContain(undefined)
  good(await queue.remove('run', third))
  expect(statusOf(third)).toBe('cancelled')
  await desk.end(first)
  expect(desk.launched.map(([id]) => id)).toEqual([first, second])
  // It can be put in again, and finished runs cannot.
  await put(queue, third)
  expect(names(desk)).toEqual(['Two: running', 'Three: waiting'])
  // Taken out once more it stays as it ended.
  good(await queue.remove('run', third))
  expect(statusOf(third)).toBe('cancelled')
  expect(codeOf(await queue.enqueueRun(first))).toBe('run.not-resumable')
})

test('each graphics card and the processor are places of their own', async () => {
  const card = { name: 'Card', vendor: 'nvidia', driver: '590.1', computeCapability: null } as GraphicsCard
  const desk = openQueue([card, card])
  const cuda = ['A', 'B', 'C'].map((name) => newRun(name, 'onnx-cuda'))
  const cpu = [newRun('D'), newRun('E')]
  await put(desk.queue, ...cuda, ...cpu)
  expect(desk.launched).toEqual([
    [cuda[0], 0],
    [cuda[1], 1],
    [cpu[0], null],
  ])
  expect(desk.queue.waitingReason('run', cuda[2]!)).toContain('It waits for the run “A”')
  expect(desk.queue.waitingReason('run', cpu[1]!)).toBe('It waits for the run “D”: about 6 minutes left.')
  await desk.end(cuda[1]!)
  expect(desk.launched.at(-1)).toEqual([cuda[2], 1])
})

test('while the computer is measured nothing begins by itself, and a person’s run does', async () => {
  const desk = openQueue()
  const [first, second] = [newRun('One'), newRun('Two')]
  let stop: () => void = () => {}
  let measured: Promise<void> = Promise.resolve()
  await new Promise<void>((begun) => {
    measured = whileMeasuring(openLibrary(stand.home), () => {
      begun()
      return new Promise<void>((resolve) => {
        stop = resolve
      })
    })
  })
  await put(desk.queue, first, second)
  await desk.end(first)
  expect(desk.launched).toEqual([[first, null]])
  expect(desk.queue.waitingReason('run', second)).toMatch(/^This computer is being measured/)
  stop()
  await measured
  await vi.waitFor(() => expect(desk.launched.at(-1)).toEqual([second, null]), patience)
})

test('a launch that finds the disk full is tried again, and waits with that reason; any other failure ends the run', async () => {
  let isFull = true
  const full = { code: 'journal.disk-full', message: 'Full.', where: 'disk', remedy: 'Clear.' } as const
  const gone = { code: 'model.unknown', message: 'Gone.', where: 'model', remedy: 'Add it.' } as const
  const bad = newRun('Bad')
  const desk = openQueue([], (runId) => (runId === bad ? gone : isFull ? full : null))
  const run = newRun('One')
  expect(await put(desk.queue, run)).toEqual([ok({})])
  await lookOf(desk.queue)
  expect(desk.queue.waitingReason('run', run)).toMatch(/^The disk is full/)
  expect(statusOf(run)).toBe('queued')
  isFull = false
  await vi.waitFor(() => expect(desk.launched).toEqual([[run, null]]), patience)
  await desk.end(run)
  expect(await put(desk.queue, bad)).toEqual([fail(gone)])
  expect(good(stand.reader.getRun(bad))).toMatchObject({
    status: 'failed',
    failure: { code: 'model.unknown' },
  })
  expect(desk.queue.list()).toEqual([])
})

test('what waits outlives the program in its order, and goes on; what ran waits for the person', async () => {
  const before = openQueue()
  const ids = ['One', 'Two', 'Three', 'Four'].map((name) => newRun(name))
  const [one, two, three, four] = ids as [string, string, string, string]
  await put(before.queue, one, two, three, four)
  good(before.queue.move('run', four, 1))
  await before.queue.close()
  closeJournal()
  openJournal()
  const interrupted = good(stand.writer.markOrphansInterrupted())
  expect(interrupted).toEqual([one])
  expect([two, three, four].map(statusOf)).toEqual(['queued', 'queued', 'queued'])
  const after = openQueue()
  // A terminal's single call starts nothing.
  expect(after.queue.waitingReason('run', two)).toBe('It goes on by itself while Tunewright is open.')
  after.queue.goOn(interrupted)
  await lookOf(after.queue)
  expect(after.launched).toEqual([[two, null]])
  expect(names(after)).toEqual(['Two: running', 'Four: waiting', 'Three: waiting'])
  expect(statusOf(one)).toBe('interrupted')
})

test('entries of runs that are gone, and of studies that are over, leave the queue; a closed queue starts nothing', async () => {
  const desk = openQueue()
  const [first, second, third] = [newRun('One'), newRun('Two'), newRun('Three')]
  const studyId = newStudy('Over')
  good(stand.writer.enqueue({ kind: 'study', id: studyId, priority: 0 }))
  desk.queue.attachStudies({ describe: () => null, pause: () => ok({}) })
  await put(desk.queue, first, second, third)
  good(stand.writer.setRunStatus(second, 'cancelled'))
  good(stand.writer.dequeue('run', second))
  await lookOf(desk.queue)
  expect(names(desk)).toEqual(['One: running', 'Three: waiting'])
  expect(good(stand.reader.queue()).map(({ id }) => id)).toEqual([third])
  const closed = desk.queue.close()
  await desk.end(first)
  await closed
  expect(desk.launched).toEqual([[first, null]])
  expect(statusOf(third)).toBe('queued')
})

test('a queue that cannot be read for a moment loses nobody who waits (it did)', async () => {
  let isReadable = true
  const busy = { code: 'journal.busy', message: 'Busy.', where: 'journal', remedy: 'Wait.' } as const
  const queue = () => (isReadable ? stand.reader.queue() : fail(busy))
  const desk = openQueue([], () => null, { ...stand.reader, queue })
  const [first, second] = [newRun('One'), newRun('Two')]
  await put(desk.queue, first, second)
  isReadable = false
  await lookOf(desk.queue)
  isReadable = true
  await desk.end(first)
  expect(desk.launched.map(([id]) => id)).toEqual([first, second])
})

// The queue over a real journal: who goes first, what waits and why, and what is left of it after a restart. Runs are
// launched and ended by hand here; with real trainers: tests/core/workstation/run-queue.test.ts.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { whileMeasuring } from '#core/devices/measuring-lock.ts'
import { openLibrary } from '#core/system/library.ts'
import { createRunQueue } from '#core/training/run-queue.ts'
import type { QueuedStudy, RunQueue, Turn } from '#core/training/run-queue-port.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import type { GraphicsCard, QueueItem, TrainingState } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import { studySpec } from '#shared/study.ts'
import { addSampleLibrary, codeOf, good, sampleRecipe } from '../../journal/support/sample.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunewright-queue-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let home: string
let writer: JournalWriter
let reader: JournalReader
let base: NewRun
let homes = 0
const closers: (() => Promise<void>)[] = []

function open(): void {
  writer = good(openJournalWriter(openLibrary(home).journalPath))
  reader = good(openJournalReader(openLibrary(home).journalPath))
}
function closeJournal(): void {
  reader.close()
  good(writer.close())
}
beforeEach(() => {
  home = join(folder, `${homes++}`)
  mkdirSync(home)
  open()
  base = addSampleLibrary(writer)
  return async () => {
    for (const close of closers.splice(0)) await close()
    closeJournal()
  }
})

interface Desk {
  readonly queue: RunQueue
  /** In the order in which they were launched, with their card. */
  readonly launched: [string, number | null | undefined][]
  readonly told: QueueItem[][]
  end(runId: string): Promise<void>
}

/** A queue whose runs last until they are ended by hand. `failure`: how a launch comes to nothing. */
function openQueue(
  cards: readonly GraphicsCard[] = [],
  failure: (runId: string) => Problem | null = () => null,
): Desk {
  const atWork = new Map<string, () => void>()
  const ends = new Map<string, Promise<void>>()
  const launched: Desk['launched'] = []
  const told: QueueItem[][] = []
  const queue = createRunQueue({
    library: openLibrary(home),
    writer,
    reader,
    lookEveryMs: 20,
    graphicsCards: async () => cards,
    emit: (event, payload) => {
      if (event === 'queue.changed') told.push((payload as { items: QueueItem[] }).items)
    },
    runs: {
      async launch(runId, card) {
        const problem = failure(runId)
        if (problem !== null) return fail(problem)
        good(writer.startAttempt(runId))
        launched.push([runId, card])
        ends.set(runId, new Promise((resolve) => atWork.set(runId, resolve)))
        return ok({})
      },
      stateOf: (runId) =>
        atWork.has(runId)
          ? ({
              status: 'running',
              step: 3,
              totalSteps: 9,
              timeLeftMs: 360_000,
              doneShare: 0.3,
            } as TrainingState)
          : null,
      ended: async (runId) => ends.get(runId),
    },
  })
  closers.push(() => queue.close())
  const end = async (runId: string): Promise<void> => {
    good(writer.finishRun(runId, { reason: 'completed', bestStep: 1, bestLossNats: 1, adapterSha256: null }))
    atWork.get(runId)?.()
    atWork.delete(runId)
    await lookOf(queue)
  }
  return { queue, launched, told, end }
}
const patience = { timeout: 20_000 }
/** After what the queue does by itself because of what happened so far. */
async function lookOf(queue: RunQueue): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await queue.noticeChange()
}

const newRun = (name: string, device: DeviceId = 'cpu'): string =>
  good(writer.createRun({ ...base, name, recipe: { ...sampleRecipe(), device } })).id
const put = async (queue: RunQueue, ...runIds: string[]): Promise<Result<unknown>[]> => {
  const put: Result<unknown>[] = []
  for (const runId of runIds) put.push(await queue.enqueueRun(runId))
  return put
}
const statusOf = (runId: string) => good(reader.getRun(runId)).status
const names = ({ queue }: Desk): string[] => queue.list().map(({ name, state }) => `${name}: ${state}`)

function newStudy(name: string): string {
  const spec = studySpec.parse({
    ...{ version: 1, base: sampleRecipe(), sampler: 'random', pruning: null, seed: 1 },
    space: [{ kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-3, isLog: true }],
    budget: { trials: 5 },
  })
  return good(writer.createStudy({ projectId: base.projectId, name, spec })).id
}
const describe = (name: string, change: Partial<QueuedStudy> = {}): QueuedStudy => ({
  ...{ name, projectId: base.projectId, projectName: 'Support mail', holding: null },
  ...{ doing: 'Trial 2 of 5.', timeLeftMs: 7_200_000, doneShare: 0.2, turnLeftMs: 120_000 },
  ...change,
})

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
  expect(good(reader.queue())).toEqual([])
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
  const card = { name: 'Card', vendor: 'nvidia', driver: '550' } as GraphicsCard
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

test('a run goes before the next trial of a study, which then goes on', async () => {
  const desk = openQueue()
  const { queue } = desk
  const studyId = newStudy('Night')
  queue.attachStudies({ describe: () => describe('Night'), pause: () => ok({}) })
  const ask = () => queue.askTurn({ kind: 'study', id: studyId, device: 'cpu' })
  const trial = await ask().granted
  expect(names(desk)).toEqual(['Night: running'])
  const run = newRun('Mine')
  await put(queue, run)
  expect(queue.waitingReason('run', run)).toBe(
    'It waits for one trial of the study “Night”: about 2 minutes left.',
  )
  let next: Turn | null = null
  const told: string[] = []
  const asked = queue.askTurn({
    kind: 'study',
    id: studyId,
    device: 'cpu',
    onWaiting: (reason) => told.push(reason),
  })
  void asked.granted.then((given) => {
    next = given
  })
  trial.release()
  trial.release()
  await lookOf(queue)
  expect(desk.launched).toEqual([[run, null]])
  expect(next).toBeNull()
  expect(names(desk)).toEqual(['Mine: running', 'Night: waiting'])
  expect(told.at(-1)).toBe('It waits for the run “Mine”: about 6 minutes left.')
  await desk.end(run)
  expect(next).not.toBeNull()
  // A wish that is taken back gets nothing, and gives back what it got.
  asked.cancel()
  const again = ask()
  again.cancel()
  await put(queue, newRun('Last'))
  expect(names(desk)).toEqual(['Last: running', 'Night: waiting'])
})

test('a study that asks before it gives its place back goes before a later study, and several cards are several trials', async () => {
  const card = { name: 'Card', vendor: 'nvidia', driver: '550' } as GraphicsCard
  const desk = openQueue([card, card])
  const { queue } = desk
  const studies = new Map(['First', 'Second'].map((name) => [newStudy(name), name]))
  const [first, second] = [...studies.keys()]
  queue.attachStudies({ describe: (id) => describe(studies.get(id)!), pause: () => ok({}) })
  const ask = (id: string, device: DeviceId) => queue.askTurn({ kind: 'study', id, device })
  const turns = [await ask(first!, 'onnx-cuda').granted, await ask(first!, 'onnx-cuda').granted]
  expect(turns.map(({ card: number }) => number)).toEqual([0, 1])
  const other = ask(second!, 'onnx-cuda')
  await lookOf(queue)
  expect(queue.waitingReason('study', second!)).toBe('It waits for the study “First”: about 2 hours left.')
  const next = ask(first!, 'onnx-cuda')
  turns[1]!.release()
  expect((await next.granted).card).toBe(1)
  turns[0]!.release()
  expect((await other.granted).card).toBe(0)
})

test('what the studies say is shown, and taking a study out pauses it', async () => {
  const desk = openQueue()
  const studyId = newStudy('Night')
  good(writer.enqueue({ kind: 'study', id: studyId, priority: 0 }))
  let isPaused = false
  desk.queue.attachStudies({
    describe: () =>
      describe('Night', { holding: isPaused ? 'You paused it.' : 'It works from 22:00 to 7:00 only.' }),
    pause: () => {
      isPaused = true
      return ok({})
    },
  })
  expect(desk.queue.waitingReason('study', studyId)).toBe('It works from 22:00 to 7:00 only.')
  // It does not want its turn now, so nothing waits for it.
  const run = newRun('Mine')
  await put(desk.queue, run)
  expect(desk.launched).toEqual([[run, null]])
  good(await desk.queue.remove('study', studyId))
  expect(desk.queue.waitingReason('study', studyId)).toBe('You paused it.')
})

test('while the computer is measured nothing begins by itself, and a person’s run does', async () => {
  const desk = openQueue()
  const [first, second] = [newRun('One'), newRun('Two')]
  let stop: () => void = () => {}
  let measured: Promise<void> = Promise.resolve()
  await new Promise<void>((begun) => {
    measured = whileMeasuring(openLibrary(home), () => {
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
  expect(good(reader.getRun(bad))).toMatchObject({ status: 'failed', failure: { code: 'model.unknown' } })
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
  open()
  const interrupted = good(writer.markOrphansInterrupted())
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
  good(writer.enqueue({ kind: 'study', id: studyId, priority: 0 }))
  desk.queue.attachStudies({ describe: () => null, pause: () => ok({}) })
  await put(desk.queue, first, second, third)
  good(writer.setRunStatus(second, 'cancelled'))
  good(writer.dequeue('run', second))
  await lookOf(desk.queue)
  expect(names(desk)).toEqual(['One: running', 'Three: waiting'])
  expect(good(reader.queue()).map(({ id }) => id)).toEqual([third])
  const closed = desk.queue.close()
  await desk.end(first)
  await closed
  expect(desk.launched).toEqual([[first, null]])
  expect(statusOf(third)).toBe('queued')
})

// A queue over a real journal whose runs are launched and ended by hand, for every test of a file that imports this a new one.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { createRunQueue } from '#core/training/run-queue.ts'
import type { QueuedStudy, QueueReader, RunQueue } from '#core/training/run-queue-port.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import type { GraphicsCard, QueueItem, TrainingState } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import { studySpec } from '#shared/study.ts'
import { addSampleLibrary, good, sampleRecipe } from '../../journal/support/sample.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunewright-queue-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Stand {
  home: string
  writer: JournalWriter
  reader: JournalReader
  base: NewRun
}

/** Of the test that runs. */
export const stand = {} as Stand
let homes = 0
const closers: (() => Promise<void>)[] = []

export function openJournal(): void {
  const { journalPath } = openLibrary(stand.home)
  stand.writer = good(openJournalWriter(journalPath))
  stand.reader = good(openJournalReader(journalPath))
}
export function closeJournal(): void {
  stand.reader.close()
  good(stand.writer.close())
}
beforeEach(() => {
  stand.home = join(folder, `${homes++}`)
  mkdirSync(stand.home)
  openJournal()
  stand.base = addSampleLibrary(stand.writer)
  return async () => {
    for (const close of closers.splice(0)) await close()
    closeJournal()
  }
})

export interface Desk {
  readonly queue: RunQueue
  /** In the order in which they were launched, with their card. */
  readonly launched: [string, number | null | undefined][]
  readonly told: QueueItem[][]
  end(runId: string): Promise<void>
}

/** A queue whose runs last until they are ended by hand. `failure`: how a launch comes to nothing. */
export function openQueue(
  cards: readonly GraphicsCard[] = [],
  failure: (runId: string) => Problem | null = () => null,
  reader: QueueReader = stand.reader,
): Desk {
  const atWork = new Map<string, () => void>()
  const ends = new Map<string, Promise<void>>()
  const launched: Desk['launched'] = []
  const told: QueueItem[][] = []
  const queue = createRunQueue({
    library: openLibrary(stand.home),
    writer: stand.writer,
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
        good(stand.writer.startAttempt(runId))
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
    good(
      stand.writer.finishRun(runId, {
        reason: 'completed',
        bestStep: 1,
        bestLossNats: 1,
        adapterSha256: null,
      }),
    )
    atWork.get(runId)?.()
    atWork.delete(runId)
    await lookOf(queue)
  }
  return { queue, launched, told, end }
}
export const patience = { timeout: 20_000 }
/** After what the queue does by itself because of what happened so far. */
export async function lookOf(queue: RunQueue): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await queue.noticeChange()
}

export const newRun = (name: string, device: DeviceId = 'cpu'): string =>
  good(stand.writer.createRun({ ...stand.base, name, recipe: { ...sampleRecipe(), device } })).id
export const put = async (queue: RunQueue, ...runIds: string[]): Promise<Result<unknown>[]> => {
  const put: Result<unknown>[] = []
  for (const runId of runIds) put.push(await queue.enqueueRun(runId))
  return put
}
export const statusOf = (runId: string) => good(stand.reader.getRun(runId)).status
export const names = ({ queue }: Desk): string[] => queue.list().map(({ name, state }) => `${name}: ${state}`)

export function newStudy(name: string): string {
  const spec = studySpec.parse({
    ...{ version: 1, base: sampleRecipe(), sampler: 'random', pruning: null, seed: 1 },
    space: [{ kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-3, isLog: true }],
    budget: { trials: 5 },
  })
  return good(stand.writer.createStudy({ projectId: stand.base.projectId, name, spec })).id
}
export const queuedStudy = (name: string, change: Partial<QueuedStudy> = {}): QueuedStudy => ({
  ...{ name, projectId: stand.base.projectId, projectName: 'Support mail', holding: null },
  ...{ doing: 'Trial 2 of 5.', timeLeftMs: 7_200_000, doneShare: 0.2, turnLeftMs: 120_000 },
  ...change,
})

// The journal reads itself again once a month, by itself: when that is due and nothing is at work, and not otherwise. What
// it finds is kept and told. Only the clock is made; the journal, its file and the process that reads it are real.
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, expect, test, vi } from 'vitest'
import { createJournalHandlers, type KeepingClock } from '#core/archive/journal-handlers.ts'
import { createOpenedJournals } from '#core/archive/opened-journals.ts'
import { createJobBoard } from '#core/system/jobs.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { Emit, Job, JournalState } from '#shared/contract/index.ts'
import { type Problem, unwrap } from '#shared/result.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import { addSampleLibrary } from '../../journal/support/sample.ts'

vi.setConfig({ testTimeout: 120_000 })

const dayMs = 24 * 3600 * 1000
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const atWork: Problem = { code: 'run.active', message: 'A run.', where: 'a run', remedy: 'Wait.' }

/** A journal that is kept, at a time and with work that the test says. */
function keep() {
  const library = openLibrary(join(temporaryFolder(), 'library'))
  const writer = unwrap(openJournalWriter(library.journalPath))
  unwrap(writer.createRun(addSampleLibrary(writer)))
  const reader = unwrap(openJournalReader(library.journalPath))
  const told: string[] = []
  const emit: Emit = (event, payload) => {
    if (event === 'journal.changed') told.push(JSON.stringify(payload))
  }
  const jobs = createJobBoard(emit)
  const host = { kind: 'direct' as const, moveToBin: vi.fn(), pickedPath: () => null }
  const now = { ms: Date.now(), work: null as Problem | null }
  let look = (): void => {}
  const clock: KeepingClock = {
    nowMs: () => now.ms,
    every: (_ms, looked) => {
      look = looked
      return () => {
        look = () => {}
      }
    },
  }
  const journals = createOpenedJournals({ reader, stood: new Map() })
  const sent = { add: vi.fn(), take: () => null, close: vi.fn() }
  const context = {
    library,
    writer,
    reader,
    launcher: createNodeLauncher(),
    jobs,
    journals,
    host,
    sent,
    emit,
  }
  const keeping = createJournalHandlers(context as unknown as Parameters<typeof createJournalHandlers>[0], {
    workUnderWay: () => now.work,
    damage: null,
    clock,
  })
  closers.push(() => {
    keeping.stop()
    reader.close()
    writer.close()
  })
  closers.push(() => jobs.close())
  return {
    ...{ library, now, told, jobs },
    async look(): Promise<Job[]> {
      look()
      for (const { id } of jobs.list()) await jobs.ended(id)
      return jobs.list()
    },
    state: async (): Promise<JournalState> => unwrap(await keeping.handlers['journal.get']({})),
    stop: keeping.stop,
  }
}

/** As a careless hand with another program does. */
function changeByHand(path: string): void {
  const db = new Database(path)
  db.exec(
    "INSERT INTO queue (kind, id, priority, place, added_at_ms) VALUES ('run', 'run-of-nobody', 1, 1, 1)",
  )
  db.close()
}

test('it begins when a month is over and nothing is at work, once, and not otherwise', async () => {
  const { now, look, state, told } = keep()
  now.work = atWork
  expect(await look()).toEqual([])
  now.work = null
  expect(await look()).toMatchObject([{ kind: 'journal', status: 'done' }])
  expect(await state()).toMatchObject({
    lastCheck: { atMs: now.ms, isSound: true, findings: [] },
    nextCheckAtMs: now.ms + 30 * dayMs,
  })
  expect(told).toEqual(['{"isDamaged":false,"isExchanged":false}'])

  now.ms += 30 * dayMs - 1
  expect(await look()).toHaveLength(1)
  now.ms += 1
  now.work = atWork
  expect(await look()).toHaveLength(1)
  now.work = null
  expect((await look()).map(({ status }) => status)).toEqual(['done', 'done'])
  expect((await state()).lastCheck?.atMs).toBe(now.ms)
})

test('one that a person stopped is not begun again before a day is over', async () => {
  const { now, look, jobs, state } = keep()
  const begun = look()
  for (const { id } of jobs.list()) unwrap(jobs.cancel(id))
  expect(await begun).toMatchObject([{ status: 'cancelled' }])
  expect((await state()).lastCheck).toBeNull()
  now.ms += dayMs - 1
  expect(await look()).toHaveLength(1)
  now.ms += 1
  expect((await look()).map(({ status }) => status).sort()).toEqual(['cancelled', 'done'])
})

test('what it finds is kept, told, and ends the work with a sentence', async () => {
  const { look, state, told, library, now } = keep()
  changeByHand(library.journalPath)
  const [job] = await look()
  expect(job).toMatchObject({ status: 'failed', problem: { code: 'journal.corrupt' } })
  expect(job?.problem?.remedy).toContain('Settings, part "Journal"')
  expect((await state()).lastCheck).toMatchObject({
    isSound: false,
    findings: [expect.stringContaining('the queue names a run or study that is not there')],
  })
  expect(told).toEqual(['{"isDamaged":true,"isExchanged":false}'])
  now.ms += 2 * dayMs
  expect(await look()).toHaveLength(1)
})

test('after it was stopped it looks no more', async () => {
  const { look, stop } = keep()
  stop()
  expect(await look()).toEqual([])
})

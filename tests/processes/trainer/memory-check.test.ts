// Before the first step: a run that memory is too short for ends with words, more than planned is told, and trying the
// longest rows changes nothing of what is trained.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import type { MemoryLook } from '../../../src/processes/trainer/memory-check.ts'
import { runJobHere } from './run-job-here.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'

vi.setConfig({ testTimeout: 120_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTinyLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

const run = (job: TrainerJob, memory: MemoryLook | null): Promise<TrainerEvent[]> =>
  runJobHere(job, Number.POSITIVE_INFINITY, memory)

const settings = { duration: { epochs: 1, maxSteps: 2 }, regularisation: { neftuneAlpha: 5 } }
const plenty: MemoryLook = {
  residentBytes: () => 100e6,
  peakResidentBytes: () => 200e6,
  availableBytes: () => 64e9,
}
const kindsOf = (events: readonly TrainerEvent[]): string[] => events.map(({ kind }) => kind)
const noticesIn = (events: readonly TrainerEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []))

test('trying the longest rows changes no bit, and what was changed for the memory is told first', async () => {
  const notices = ['So that it fits: one row at a time.']
  const tried = await run({ ...(await tiny.makeJob('tried', settings)), notices }, plenty)
  const untried = await run(await tiny.makeJob('untried', settings), null)
  expect(finishedOf(tried).adapterSha256).toBe(finishedOf(untried).adapterSha256)
  expect(noticesIn(tried)).toEqual(notices)
  expect(tried).toContainEqual({ kind: 'phase', phase: 'training', detail: 'trying the longest rows' })
})

test('a peak far above the plan is told, and the run goes on', async () => {
  const events = await run(await tiny.makeJob('above', settings), {
    ...plenty,
    peakResidentBytes: () => 900e6,
  })
  expect(noticesIn(events)).toEqual([expect.stringContaining('900 MB')])
  expect(finishedOf(events).reason).toBe('completed')
})

test('where memory is short nothing is computed, and the run says so', async () => {
  const events = await run(await tiny.makeJob('short', settings), { ...plenty, availableBytes: () => 20e6 })
  expect(events.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'memory.too-small' } })
  expect(kindsOf(events)).toEqual(['phase', 'phase', 'plan', 'failed'])
})

test('where the longest rows take what was free, it ends before its first step', async () => {
  let isTried = false
  const memory: MemoryLook = {
    ...plenty,
    peakResidentBytes: () => {
      isTried = true
      return 2e9
    },
    availableBytes: () => (isTried ? 0 : 64e9),
  }
  const events = await run(await tiny.makeJob('taken', settings), memory)
  expect(events.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'memory.too-small' } })
  expect(kindsOf(events)).not.toContain('step')
})

// A run that goes on in smaller parts, because the memory of its device was too small: the same steps, from a checkpoint
// that knows nothing of parts.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TrainerEvent, TrainerJob } from '../../../src/shared/trainer-protocol.ts'
import { lossesIn, runJobHere, stepLossesIn } from './run-job-here.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTinyLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

function expectNear(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length)
  for (const [index, value] of found.entries())
    expect(Math.abs(value / wanted[index]! - 1)).toBeLessThan(1e-5)
}

test('rows of a checkpoint are gone on with one at a time, and the curve stays', {
  timeout: 120_000,
}, async () => {
  const whole = await runJobHere(await tiny.makeJob('whole'))
  const job = await tiny.makeJob('parts')
  const before = await runJobHere(job, 4)
  const parts: TrainerJob = { ...job, rowsAtOnce: 1 }
  const after = await runJobHere(parts)
  const resumedAt = (events: readonly TrainerEvent[]) => events.find(({ kind }) => kind === 'plan')
  expect(resumedAt(after)).toMatchObject({ resumedAtStep: 4 })
  expectNear([...stepLossesIn(before), ...stepLossesIn(after)], stepLossesIn(whole))
  expectNear([...lossesIn(before), ...lossesIn(after)], lossesIn(whole))
  // Added up in another order: not the same bits.
  expect(finishedOf(after).adapterSha256).not.toBe(finishedOf(whole).adapterSha256)
  const back = await runJobHere({ ...job, rowsAtOnce: 2 })
  expect(finishedOf(back)).toMatchObject({ adapterSha256: finishedOf(after).adapterSha256 })
})

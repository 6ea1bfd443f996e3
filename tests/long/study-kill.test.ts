// 50 kills of a study's processes at random moments, over as many studies as it takes.
import { expect, test } from 'vitest'
import { compareKilled } from '../core/tuning/killed-studies.ts'

test('50 kills lose nothing, count nothing twice and change no table', { timeout: 3_600_000 }, async () => {
  const { core, trainer } = await compareKilled(8, 50, 2026)
  console.info(`${core} kills of the program, ${trainer} of the trainer`)
  expect(core).toBeGreaterThan(10)
  expect(trainer).toBeGreaterThan(5)
})

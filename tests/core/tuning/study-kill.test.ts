// kill -9 of the program and of the trainer while a study is at work: nothing lost, nothing twice, the same table.
import { expect, test } from 'vitest'
import { compareKilled } from './killed-studies.ts'

test('a study that is killed again and again ends with the table of one that nobody disturbed', {
  timeout: 1_800_000,
}, async () => {
  const { core, trainer } = await compareKilled(3, 3, 11)
  console.info(`${core} kills of the program, ${trainer} of the trainer`)
  expect(core + trainer).toBeGreaterThanOrEqual(3)
})

// Twenty programs of the code sample pass their own tests in the sandbox, but for the three that are wrong on purpose;
// tests/long runs all of them.
import { expect, test } from 'vitest'
import { failuresOf, knownFailures, samplePrograms } from './sample-programs.ts'

test('the programs of the code sample pass their tests', { timeout: 120_000 }, async () => {
  const wrong = new Set(knownFailures.map(({ line }) => line))
  const rows = await samplePrograms()
  const right = rows.filter(({ line }) => !wrong.has(line))
  const some = rows.filter((row) => wrong.has(row.line) || right.indexOf(row) % 20 === 3)
  expect(some).toHaveLength(20)
  expect(await failuresOf(some)).toEqual(knownFailures)
})

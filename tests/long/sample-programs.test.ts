// Every program of the code sample passes its own tests in the sandbox, but for the three that are wrong on purpose.
import { expect, test } from 'vitest'
import { failuresOf, knownFailures, samplePrograms } from '../processes/sandbox/sample-programs.ts'

test('the programs of the code sample pass their tests', { timeout: 3_600_000 }, async () => {
  const rows = await samplePrograms()
  expect(rows).toHaveLength(333)
  expect(await failuresOf(rows)).toEqual(knownFailures)
})

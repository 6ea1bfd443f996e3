// Every op on every backend against the reference interpreter in float64.
import { describe, expect, test } from 'vitest'
import { typeRules } from '#engine/ir/type-rules.ts'
import { backends } from './backends.ts'
import { opCases } from './op-cases.ts'
import { bounds, operatorError } from './suite.ts'

test('there is a case for every op', () => {
  const covered = new Set<string>(opCases.map((c) => c.kind))
  expect(Object.keys(typeRules).filter((kind) => !covered.has(kind))).toEqual([])
})

describe.each(backends)('$name', (backend) => {
  test.each(opCases)('$name', async (opCase) => {
    expect(await operatorError(backend, opCase)).toBeLessThan(bounds.float32.operators)
  })
})

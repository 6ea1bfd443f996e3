// Every op on every backend against the reference interpreter in float64.
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Backend, CompileOptions, Tensor } from '#engine/backend-port.ts'
import { typeRules } from '#engine/ir/type-rules.ts'
import { unwrap } from '#shared/result.ts'
import { backends, truth } from './backends.ts'
import { worstDifference } from './compare.ts'
import type { OpCase } from './op-cases/case-builder.ts'
import { opCases } from './op-cases.ts'

const options: CompileOptions = { threads: 2, weights: new Map(), workFolder: tmpdir() }

async function runOnce(backend: Backend, { graph, feeds }: OpCase): Promise<ReadonlyMap<string, Tensor>> {
  const session = unwrap(await backend.compile(graph, options))
  try {
    return structuredClone(await session.run(feeds))
  } finally {
    await session.dispose()
  }
}

const expectedResults = new Map<OpCase, Promise<ReadonlyMap<string, Tensor>>>()

/** What the reference gives, computed once for all backends. */
function expectedOf(opCase: OpCase): Promise<ReadonlyMap<string, Tensor>> {
  const known = expectedResults.get(opCase) ?? runOnce(truth, opCase)
  expectedResults.set(opCase, known)
  return known
}

test('there is a case for every op', () => {
  const covered = new Set<string>(opCases.map((c) => c.kind))
  expect(Object.keys(typeRules).filter((kind) => !covered.has(kind))).toEqual([])
})

describe.each(backends)('$name', (backend) => {
  test.each(opCases)('$name', async (opCase) => {
    const expected = await expectedOf(opCase)
    const worst = worstDifference(expected, await runOnce(backend, opCase))
    expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
  })
})

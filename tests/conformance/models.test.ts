// A whole training step of a tiny Llama on every backend: losses and every gradient beside the float64 reference.
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Backend, Tensor } from '#engine/backend-port.ts'
import { unwrap } from '#shared/result.ts'
import { relativeDistance } from '../engine/support/numbers.ts'
import { backends, roundingBackends, truth } from './backends.ts'
import { type TinyTraining, tinyTrainings } from './tiny-training.ts'

async function runOnce(
  backend: Backend,
  { built, weights, feeds }: TinyTraining,
): Promise<ReadonlyMap<string, Tensor>> {
  const session = unwrap(await backend.compile(built.graph, { threads: 2, weights, workFolder: tmpdir() }))
  try {
    return structuredClone(await session.run(feeds))
  } finally {
    await session.dispose()
  }
}

const numbers = (tensor: Tensor | undefined): number[] => Array.from(tensor?.data ?? [], Number)

describe.each([
  ...backends.map((backend) => ({ name: backend.name, backend, tolerance: 1e-5 })),
  ...roundingBackends.map((backend) => ({ name: backend.name, backend, tolerance: 0.15 })),
])('$name', ({ backend, tolerance }) => {
  test.each(tinyTrainings)('$name', async (training) => {
    const [expected, actual] = [await runOnce(truth, training), await runOnce(backend, training)]
    expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort())
    expect(actual.size).toBe(training.built.trainable.length + training.built.lossChunks)
    for (const [name, tensor] of expected) {
      expect(actual.get(name)?.shape, name).toEqual(tensor.shape)
      expect(relativeDistance(numbers(actual.get(name)), numbers(tensor)), name).toBeLessThan(tolerance)
    }
  })
})

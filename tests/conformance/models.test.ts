// Whole training steps of a tiny Llama on every backend, and a forward pass and a training step of every other family:
// losses and every gradient beside the float64 reference.
import { describe, expect, test } from 'vitest'
import { knownModelTypes } from '#engine/models/families.ts'
import { backends, roundingBackends } from './backends.ts'
import { familyGraphs, modelTypes } from './families.ts'
import { bounds, curveError, modelError } from './suite.ts'
import { tinyTrainings } from './tiny-training.ts'

test('there is a tiny model of every family', () => {
  const missing = knownModelTypes.filter((type) => !modelTypes.includes(type))
  // Other names of what gemma3_text and roberta are.
  expect(missing).toEqual(['gemma3', 'xlm-roberta'])
})

test('a training step returns a loss for each chunk and a gradient for each trained weight', () => {
  for (const { built } of tinyTrainings)
    expect(built.graph.outputs).toHaveLength(built.trainable.length + built.lossChunks)
})

describe.each([
  ...backends.map((backend) => ({ name: backend.name, backend, limits: bounds.float32 })),
  ...roundingBackends.map((backend) => ({ name: backend.name, backend, limits: bounds.bfloat16 })),
])('$name', ({ backend, limits }) => {
  test.each([...tinyTrainings, ...familyGraphs])('$name', async (given) => {
    expect(await modelError(backend, given)).toBeLessThan(limits.models)
  })

  test('20 steps of LoRA', async () => {
    expect(await curveError(backend)).toBeLessThan(limits.curve)
  })
})

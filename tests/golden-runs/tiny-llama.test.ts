// The tiny Llama with llama3 rope of ../shared/goldens/tiny on ONNX Runtime beside transformers and PEFT.
import { describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { unwrap } from '#shared/result.ts'
import { bindFeeds } from '../engine/support/feeds.ts'
import { logitsError, openTinyGolden, type RunGraph, trainingErrors } from '../support/tiny-golden.ts'

const run: RunGraph = async (built, numbers) => {
  const { weights, feeds } = bindFeeds(built, numbers)
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads: 2, weights, workFolder: '' }),
  )
  const outputs = structuredClone(await session.run(feeds))
  await session.dispose()
  return outputs
}

const golden = openTinyGolden()

describe.skipIf(!golden)('tiny Llama golden on ONNX Runtime', () => {
  if (!golden) return

  test('logits within 1e-4 at every real position', async () => {
    expect(await logitsError(golden, run)).toBeLessThan(1e-4)
  })

  test.each([false, true])('full training, checkpointing %s: every gradient norm', async (checkpointing) => {
    const options = { lossChunks: 2, gradientCheckpointing: checkpointing }
    const { loss, gradients } = await trainingErrors(golden, run, 'full', options)
    expect(loss).toBeLessThan(1e-5)
    for (const [name, error] of gradients) expect(error, name).toBeLessThan(1e-3)
  })

  test.each([false, true])('LoRA, checkpointing %s: every gradient', async (checkpointing) => {
    const options = { lossChunks: 3, gradientCheckpointing: checkpointing }
    const { loss, gradients } = await trainingErrors(golden, run, 'lora', options)
    expect(loss).toBeLessThan(1e-5)
    for (const [name, error] of gradients) expect(error, name).toBeLessThan(1e-4)
  })
})

// Every tiny model of ../shared/goldens/tiny on every backend that trains beside transformers and PEFT.
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Backend } from '#engine/backend-port.ts'
import { unwrap } from '#shared/result.ts'
import { fileBackends } from '../conformance/backends.ts'
import { bindFeeds } from '../engine/support/feeds.ts'
import {
  adaptedLogitsError,
  logitsError,
  openTinyGoldens,
  type RunGraph,
  trainingErrors,
} from '../support/tiny-golden.ts'

const runOn =
  (backend: Backend): RunGraph =>
  async (built, numbers) => {
    const { weights, feeds } = bindFeeds(built, numbers)
    const session = unwrap(await backend.compile(built.graph, { threads: 2, weights, workFolder: tmpdir() }))
    const outputs = structuredClone(await session.run(feeds))
    await session.dispose()
    return outputs
  }

const goldens = await openTinyGoldens()

test.skipIf(goldens.length === 0)('there are tiny goldens', () => {
  expect(goldens.length).toBeGreaterThan(3)
})

const cases = fileBackends.flatMap((backend) =>
  goldens.map((golden) => [golden.name, backend.name, golden, runOn(backend)] as const),
)

describe.skipIf(goldens.length === 0).each(cases)('tiny golden %s on %s', (_name, _backend, golden, run) => {
  test('logits within 1e-4 at every real position, with and without adapter', async () => {
    expect(await logitsError(golden, run)).toBeLessThan(1e-4)
    if (golden.lora) expect(await adaptedLogitsError(golden, run)).toBeLessThan(1e-4)
  })

  test('full training, with checkpointing: every gradient norm', async () => {
    const options = { lossChunks: 2, gradientCheckpointing: true }
    const { loss, gradients } = await trainingErrors(golden, run, 'full', options)
    expect(loss).toBeLessThan(1e-5)
    for (const [name, error] of gradients) expect(error, name).toBeLessThan(1e-3)
  })

  test.skipIf(!golden.lora)('LoRA, without checkpointing: every gradient', async () => {
    const options = { lossChunks: 3, gradientCheckpointing: false }
    const { loss, gradients } = await trainingErrors(golden, run, 'lora', options)
    expect(loss).toBeLessThan(1e-5)
    for (const [name, error] of gradients) expect(error, name).toBeLessThan(1e-3)
  })
})

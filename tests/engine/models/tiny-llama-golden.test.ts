// Our Llama beside transformers and PEFT on the tiny golden model: logits, loss, every gradient.
import { describe, expect, test } from 'vitest'
import { buildScoringGraph, interpret, type Precision } from '../../../src/engine/index.ts'
import { sumLosses } from '../../../src/engine/train/loss-chunks.ts'
import {
  logitsError,
  openTinyGolden,
  type RunGraph,
  tinyFeeds,
  trainingErrors,
} from '../../support/tiny-golden.ts'
import { relativeDifference } from '../support/numbers.ts'

const golden = openTinyGolden()

const runAt =
  (precision: Precision): RunGraph =>
  async ({ graph }, numbers) =>
    interpret(graph, numbers, precision)

describe.skipIf(!golden)('tiny Llama golden', () => {
  if (!golden) return

  test.each(['float64', 'float32'] as const)('logits at every real position, %s', async (precision) => {
    expect(await logitsError(golden, runAt(precision))).toBeLessThan(1e-5)
  })

  test.each([
    ['full', 'float64', 1, false],
    ['full', 'float64', 3, true],
    ['full', 'float32', 2, true],
    ['lora', 'float64', 1, false],
    ['lora', 'float64', 2, true],
    ['lora', 'float32', 2, true],
  ] as const)('%s training, %s, %i chunks, checkpointing %s', async (kind, precision, lossChunks, ckpt) => {
    const options = { lossChunks, gradientCheckpointing: ckpt }
    const { loss, gradients } = await trainingErrors(golden, runAt(precision), kind, options)
    expect(loss).toBeLessThan(1e-6)
    for (const [name, error] of gradients) expect(error, name).toBeLessThan(1e-5)
  })

  test('scoring gives the losses of training', async () => {
    const { graph } = buildScoringGraph(golden.config, golden.lora, { lossChunks: 2, mask: 'causal' })
    const outputs = interpret(graph, await tinyFeeds(golden, 2))
    expect(relativeDifference(sumLosses(outputs, 2), golden.figures.lora.loss)).toBeLessThan(1e-6)
  })
})

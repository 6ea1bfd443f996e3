// Every family beside transformers and PEFT on the tiny golden models, by the reference: logits, loss, every gradient.
import { describe, expect, test } from 'vitest'
import { interpret, type Precision } from '../../../src/engine/index.ts'
import {
  adaptedLogitsError,
  logitsError,
  openTinyGoldens,
  type RunGraph,
  trainingErrors,
} from '../../support/tiny-golden.ts'

const goldens = await openTinyGoldens()

const runAt =
  (precision: Precision): RunGraph =>
  async ({ graph }, numbers) =>
    interpret(graph, numbers, precision)

/** Errors are those of the golden's own float32; T5's activations are the largest. */
const bounds = { logits: 5e-5, loss: 1e-6, gradients: 1e-3, adapterGradients: 1e-4 }

/** One a family and one for a second form of it: where one is missing, what it would have shown was not looked at. */
const goldenFolders = 19

test.skipIf(goldens.length === 0)('every tiny golden is there and is opened', () => {
  expect(goldens).toHaveLength(goldenFolders)
  expect(new Set(goldens.map(({ name }) => name)).size).toBe(goldenFolders)
})

describe.skipIf(goldens.length === 0).each(goldens.map((golden) => [golden.name, golden] as const))(
  'tiny golden %s',
  (_, golden) => {
    const kinds = golden.lora ? (['full', 'lora'] as const) : (['full'] as const)

    test('logits at every real position, with and without adapter', async () => {
      expect(await logitsError(golden, runAt('float32'))).toBeLessThan(bounds.logits)
      if (golden.lora) expect(await adaptedLogitsError(golden, runAt('float32'))).toBeLessThan(bounds.logits)
    })

    test.each(kinds)('%s training: loss and every gradient', async (kind) => {
      // The other precision and form belong to the other method.
      const precision = kind === 'full' ? 'float64' : 'float32'
      const options = { lossChunks: 2, gradientCheckpointing: kind === 'lora' }
      const { loss, gradients } = await trainingErrors(golden, runAt(precision), kind, options)
      expect(loss).toBeLessThan(bounds.loss)
      const bound = kind === 'full' ? bounds.gradients : bounds.adapterGradients
      for (const [name, error] of gradients) expect(error, name).toBeLessThan(bound)
    })
  },
)

// Variants of LoRA on the real starter model beside PEFT (../shared/goldens/smollm2-lora): loss and gradient norms of one
// step of LoRA, rsLoRA and DoRA.
import { describe, expect, test } from 'vitest'
import { buildTrainingGraph, initialValues, type LoraMethod, languageModel } from '#engine/index.ts'
import { layoutOf } from '#engine/train/state.ts'
import { norm, relativeDifference } from '../engine/support/numbers.ts'
import { flatten, goldenLora, goldenWidth, readAdapter, readBatches, runStep } from '../golden-runs/replay.ts'
import { findGolden, openStarter, readJson, type Starter } from '../golden-runs/starter.ts'
import { withoutPeftPrefix } from '../support/tensor-files.ts'

interface Variant {
  readonly loss: number
  readonly n_targets: number
  readonly grad_norm: number
  readonly grad_norm_A: number
  readonly grad_norm_B: number
  readonly grad_norm_magnitude: number
  readonly layer0: Readonly<Record<string, number>>
}

const found = findGolden('smollm2-lora')
/** PEFT's name of a parameter (with the adapter's name in it) -> ours. */
const ourName = (name: string): string =>
  withoutPeftPrefix(name).replace('.default', '').replace('magnitude_vector.weight', 'magnitude_vector')

const variants: readonly [name: string, method: LoraMethod, start: 'B zero' | 'B given'][] = [
  ['lora', goldenLora, 'B given'],
  ['rslora', { ...goldenLora, scaling: 'rank-stabilised' }, 'B given'],
  ['dora_B0', { ...goldenLora, decomposed: true }, 'B zero'],
  ['dora', { ...goldenLora, decomposed: true }, 'B given'],
]

interface Step {
  readonly loss: number
  readonly labelled: number
  /** Norm of the gradient of each weight. */
  readonly norms: ReadonlyMap<string, number>
}

/** One step from the golden adapter; a magnitude starts as the norm of its row. */
async function runVariant(
  starter: Starter,
  folder: string,
  method: LoraMethod,
  start: 'B zero' | 'B given',
): Promise<Step> {
  const { config, read } = starter
  const built = buildTrainingGraph(config, method, { lossChunks: 1, gradientCheckpointing: true })
  const layout = layoutOf(built.trainable)
  const values = new Map([
    ...(await initialValues({ config, method, task: languageModel, seed: 1, read })),
    ...(await readAdapter(folder, 'adapter_init.safetensors')),
    ...(start === 'B given' ? await readAdapter(folder, 'variants_B.safetensors') : []),
  ])
  const gradients = new Float32Array(layout.length)
  const session = await starter.compile(built)
  const [first] = await readBatches(folder)
  const sums = await runStep(session, layout, flatten(layout, values), first!, gradients)
  await session.dispose()
  const norms = layout.entries.map(
    ({ name, offset, length }) =>
      [name, norm(gradients.subarray(offset, offset + length)) / sums.labelled] as const,
  )
  return { loss: sums.lossSum / sums.labelled, labelled: sums.labelled, norms: new Map(norms) }
}

function errorsOf({ loss, norms }: Step, golden: Variant): ReadonlyMap<string, number> {
  const together = (part: string): number =>
    norm([...norms].filter(([name]) => name.includes(part)).map(([, value]) => value))
  return new Map([
    ['loss', relativeDifference(loss, golden.loss)],
    ['all', relativeDifference(together(''), golden.grad_norm)],
    ['A', relativeDifference(together('lora_A'), golden.grad_norm_A)],
    ['B', relativeDifference(together('lora_B'), golden.grad_norm_B)],
    ['magnitude', relativeDifference(together('magnitude'), golden.grad_norm_magnitude)],
    ...Object.entries(golden.layer0).map(
      ([name, figure]) => [name, relativeDifference(norms.get(ourName(name))!, figure)] as const,
    ),
  ])
}

describe.skipIf(!found)('one step of every variant of LoRA beside PEFT', () => {
  if (!found) return
  const { folder, ggufPath } = found
  const { results } = readJson<{ results: Readonly<Record<string, Variant>> }>(folder, 'variants.json')
  test.each(variants)(
    '%s: loss and gradient norms within 1e-3',
    { timeout: 600_000 },
    async (name, ...variant) => {
      const golden = results[name]!
      const step = await runVariant(await openStarter(ggufPath, goldenWidth), folder, ...variant)
      expect(step.labelled).toBe(golden.n_targets)
      const errors = errorsOf(step, golden)
      const worst = Math.max(...errors.values())
      console.info(`${name}: loss, gradient norms and those of block 0 within ${worst.toExponential(1)}`)
      for (const [what, error] of errors) expect(error, what).toBeLessThan(1e-3)
    },
  )
})

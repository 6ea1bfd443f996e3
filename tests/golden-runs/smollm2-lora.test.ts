// Twenty LoRA steps of the real starter model from the same adapter and batches as PEFT (../shared/goldens/smollm2-lora):
// losses, gradient norms and the final adapter.
import { describe, expect, test } from 'vitest'
import { buildTrainingGraph } from '#engine/index.ts'
import { flatten, goldenLora, goldenWidth, readAdapter, readBatches, replay } from './replay.ts'
import { findGolden, openStarter, readJson } from './starter.ts'

interface History {
  readonly history: readonly { loss: number; n_targets: number; grad_norm: number; lr: number }[]
}

const found = findGolden('smollm2-lora')
const options = { lossChunks: 1, gradientCheckpointing: true }

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    dot += value * b[i]!
    aa += value * value
    bb += b[i]! * b[i]!
  }
  return dot / Math.sqrt(aa * bb)
}

describe.skipIf(!found)('the 20-step LoRA run of PEFT', () => {
  if (!found) return
  test('every loss within 1e-5, every gradient norm within 1e-4, the same adapter', {
    timeout: 600_000,
  }, async () => {
    const { history } = readJson<History>(found.folder, 'lora_history.json')
    const starter = await openStarter(found.ggufPath, goldenWidth)
    const built = buildTrainingGraph(starter.config, goldenLora, options)
    const session = await starter.compile(built)
    const initial = await readAdapter(found.folder, 'adapter_init.safetensors')
    const batches = await readBatches(found.folder)
    const { worst, layout, parameters } = await replay(session, built, initial, history, batches)
    await session.dispose()
    const final = flatten(layout, await readAdapter(found.folder, 'adapter_final.safetensors'))
    const agreement = cosine(parameters, final)
    console.info(
      `20 LoRA steps: loss within ${worst.loss.toExponential(1)}, gradient norm within ` +
        `${worst.gradNorm.toExponential(1)}, 1 - cosine ${(1 - agreement).toExponential(1)}`,
    )
    expect(worst.loss).toBeLessThan(1e-5)
    expect(worst.gradNorm).toBeLessThan(1e-4)
    expect(agreement).toBeGreaterThan(0.99999)
  })
})

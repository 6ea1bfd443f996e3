// Twenty LoRA steps of the real starter model from the same adapter and batches as PEFT (../shared/goldens/smollm2-lora):
// losses, gradient norms and the final adapter, on every backend that trains.
import { describe, expect, test } from 'vitest'
import type { Backend } from '#engine/backend-port.ts'
import { buildTrainingGraph } from '#engine/index.ts'
import { fileBackends } from '../conformance/backends.ts'
import { flatten, goldenLora, goldenWidth, readAdapter, readBatches, replay } from './replay.ts'
import { findGolden, openStarter, readJson } from './starter.ts'

interface History {
  readonly history: readonly { loss: number; n_targets: number; grad_norm: number; lr: number }[]
}

const found = findGolden('smollm2-lora')
const options = { lossChunks: 1, gradientCheckpointing: true }

/**
 * The figures themselves are 1e-5 from exact sums over the vocabulary (docs/backends.md). TensorFlow's are exact, ONNX
 * Runtime's are off as the figures are.
 */
const lossBound = ({ name }: Backend): number => (name.includes('tensorflow') ? 2e-5 : 1e-5)

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
  test.each(fileBackends)(
    '$name: losses and gradient norms of every step, the same adapter',
    {
      timeout: 600_000,
    },
    async (backend) => {
      const { history } = readJson<History>(found.folder, 'lora_history.json')
      const starter = await openStarter(found.ggufPath, goldenWidth)
      const built = buildTrainingGraph(starter.config, goldenLora, options)
      const session = await starter.compile(built, backend)
      const initial = await readAdapter(found.folder, 'adapter_init.safetensors')
      const batches = await readBatches(found.folder)
      const { worst, layout, parameters } = await replay(session, built, initial, history, batches)
      await session.dispose()
      const final = flatten(layout, await readAdapter(found.folder, 'adapter_final.safetensors'))
      const agreement = cosine(parameters, final)
      console.info(
        `20 LoRA steps, ${backend.name}: loss within ${worst.loss.toExponential(1)}, gradient norm within ` +
          `${worst.gradNorm.toExponential(1)}, 1 - cosine ${(1 - agreement).toExponential(1)}`,
      )
      expect(worst.loss).toBeLessThan(lossBound(backend))
      expect(worst.gradNorm).toBeLessThan(1e-4)
      expect(agreement).toBeGreaterThan(0.99999)
    },
  )
})

// Twenty LoRA steps of the real starter model from the same adapter and batches as PEFT (../shared/goldens/smollm2-lora):
// losses, gradient norms and the final adapter, on every backend that trains.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Backend } from '#engine/backend-port.ts'
import { buildTrainingGraph } from '#engine/index.ts'
import { hasFastBfloat16 } from '#shared/processor-flags.ts'
import { fileBackends } from '../conformance/backends.ts'
import { findTensorflow } from '../support/tensorflow.ts'
import { flatten, goldenLora, goldenWidth, readAdapter, readBatches, replay } from './replay.ts'
import { findGolden, openStarter, readJson } from './starter.ts'

interface History {
  readonly history: readonly { loss: number; n_targets: number; grad_norm: number; lr: number }[]
}

const found = findGolden('smollm2-lora')
const options = { lossChunks: 1, gradientCheckpointing: true }

/**
 * Of losses, of gradient norms (relative), of 1 - cosine of the adapters. The figures themselves are 1e-5 from exact sums
 * over the vocabulary (docs/backends.md): TensorFlow's are exact, ONNX Runtime's are off as the figures are. Products in
 * bfloat16 hold 8 bits of every number: 1 in 256 of a loss of 2 to 3.
 */
function boundsOf({ name }: Backend): { loss: number; gradNorm: number; adapter: number } {
  if (name.includes('bfloat16')) return { loss: 0.03, gradNorm: 0.1, adapter: 1e-5 }
  return { loss: name.includes('tensorflow') ? 2e-5 : 1e-5, gradNorm: 1e-4, adapter: 1e-5 }
}

/** Where this processor has no such products TensorFlow takes minutes for them. */
const bfloat16Backends = hasFastBfloat16(processorFlags()) ? findTensorflow('bfloat16') : []
if (bfloat16Backends.length === 0)
  console.info('Skipped: the 20-step LoRA run in bfloat16, on a processor or without the library for it.')

function processorFlags(): string {
  return existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
}

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
  test.each([...fileBackends, ...bfloat16Backends])(
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
      const bounds = boundsOf(backend)
      expect(worst.loss).toBeLessThan(bounds.loss)
      expect(worst.gradNorm).toBeLessThan(bounds.gradNorm)
      expect(1 - agreement).toBeLessThan(bounds.adapter)
    },
  )
})

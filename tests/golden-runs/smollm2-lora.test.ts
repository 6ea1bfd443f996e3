// Twenty LoRA steps of the real starter model from the same adapter and batches as PEFT (../shared/goldens/smollm2-lora):
// losses, gradient norms and the final adapter.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildTrainingGraph, type MethodSpec } from '#engine/index.ts'
import { adamwStep } from '#engine/optim/adamw.ts'
import { clipFactor, globalNorm } from '#engine/optim/clip.ts'
import { learningRateFactor } from '#engine/optim/schedule.ts'
import { collate, type EncodedRow } from '#engine/train/collate.ts'
import { sumLosses } from '#engine/train/loss-chunks.ts'
import { initialState, layoutOf, viewsOf } from '#engine/train/state.ts'
import { linearNames, optimizerSettings } from '#shared/recipe.ts'
import { readTensors, readWholeNumbers, withoutPeftPrefix } from '../support/tensor-files.ts'
import { findGolden, openStarter, readJson } from './starter.ts'

interface History {
  readonly history: readonly { loss: number; n_targets: number; grad_norm: number; lr: number }[]
}

const found = findGolden('smollm2-lora')
const [microBatches, microRows, width] = [2, 2, 128]
const lora: MethodSpec = { kind: 'lora', rank: 8, alpha: 16, targets: linearNames, topLayers: null }

/** Micro-batches of every step, padding cut off. */
async function readBatches(path: string): Promise<readonly (readonly EncodedRow[])[]> {
  const [ids, mask, labels] = await Promise.all(
    ['input_ids', 'attention_mask', 'labels'].map((name) => readWholeNumbers(path, name)),
  )
  const rows = Array.from({ length: ids!.length / width }, (_, row): EncodedRow => {
    const start = row * width
    const end = start + mask!.subarray(start, start + width).reduce((sum, bit) => sum + bit, 0)
    return { rowId: String(row), ids: ids!.subarray(start, end), labels: labels!.subarray(start, end) }
  })
  return Array.from({ length: rows.length / microRows }, (_, i) =>
    rows.slice(i * microRows, (i + 1) * microRows),
  )
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
  test('every loss within 1e-5, every gradient norm within 1e-4, the same adapter', {
    timeout: 600_000,
  }, async () => {
    const { history } = readJson<History>(found.folder, 'lora_history.json')
    const starter = await openStarter(found.ggufPath, width)
    const built = buildTrainingGraph(starter.config, lora, { lossChunks: 1, gradientCheckpointing: true })
    const layout = layoutOf(built.trainable)
    const readAdapter = async (name: string) => {
      const tensors = await readTensors(join(found.folder, name), withoutPeftPrefix)
      return initialState(layout, new Map([...tensors].map(([weight, { data }]) => [weight, data])))
    }
    const state = await readAdapter('adapter_init.safetensors')
    const final = (await readAdapter('adapter_final.safetensors')).parameters
    const batches = await readBatches(join(found.folder, 'batches.safetensors'))
    const session = await starter.compile(built)
    const weights = viewsOf(layout, state.parameters)
    const gradients = new Float32Array(layout.length)
    const settings = optimizerSettings.parse({})
    const worst = { loss: 0, gradNorm: 0 }
    for (const [step, golden] of history.entries()) {
      let lossSum = 0
      let labelled = 0
      gradients.fill(0)
      for (const rows of batches.slice(step * microBatches, (step + 1) * microBatches)) {
        const batch = collate(rows, 1)
        const outputs = await session.run(new Map([...batch.feeds, ...weights]))
        lossSum += sumLosses(outputs, 1)
        labelled += batch.labelledTokens
        for (const { name, offset } of layout.entries)
          for (const [i, value] of (outputs.get(`grad.${name}`)!.data as Float32Array).entries())
            gradients[offset + i]! += value
      }
      expect(labelled).toBe(golden.n_targets)
      const gradNorm = globalNorm(gradients) / labelled
      worst.loss = Math.max(worst.loss, Math.abs(lossSum / labelled / golden.loss - 1))
      worst.gradNorm = Math.max(worst.gradNorm, Math.abs(gradNorm / golden.grad_norm - 1))
      const schedule = { kind: 'cosine', totalSteps: history.length, warmupSteps: 3 } as const
      const learningRate = settings.learningRate * learningRateFactor(schedule, step)
      expect(Math.abs(learningRate - golden.lr)).toBeLessThan(1e-12)
      const gradScale = clipFactor(gradNorm, settings.clipNorm) / labelled
      adamwStep(state, gradients, settings, { updates: step + 1, learningRate, gradScale })
    }
    await session.dispose()
    const agreement = cosine(state.parameters, final)
    console.info(
      `20 LoRA steps: loss within ${worst.loss.toExponential(1)}, gradient norm within ` +
        `${worst.gradNorm.toExponential(1)}, 1 - cosine ${(1 - agreement).toExponential(1)}`,
    )
    expect(worst.loss).toBeLessThan(1e-5)
    expect(worst.gradNorm).toBeLessThan(1e-4)
    expect(agreement).toBeGreaterThan(0.99999)
  })
})

// Training steps of the starter model on the batches of ../shared/goldens/smollm2-lora, as its figures were made: the loss
// of a step is the mean over the labelled tokens of all its micro-batches.
import { join } from 'node:path'
import { expect } from 'vitest'
import type { BuiltGraph, LoraMethod, Session } from '#engine/index.ts'
import { clipFactor, globalNorm } from '#engine/optim/clip.ts'
import { createOptimizer } from '#engine/optim/optimizer.ts'
import { learningRateFactor } from '#engine/optim/schedule.ts'
import { causalCollation, collate, type EncodedRow } from '#engine/train/collate.ts'
import { sumLosses } from '#engine/train/loss-chunks.ts'
import { initialState, layoutOf, type ParameterLayout, viewsOf } from '#engine/train/state.ts'
import { linearNames, optimizerSettings, regularisationSettings } from '#shared/recipe.ts'
import { readTensors, readWholeNumbers, withoutPeftPrefix } from '../support/tensor-files.ts'

/** Positions of a row. */
export const goldenWidth = 128
const [microBatches, microRows] = [2, 2]

/** The adapter of the golden runs. */
export const goldenLora: LoraMethod = {
  kind: 'lora',
  rank: 8,
  alpha: 16,
  targets: linearNames,
  topLayers: null,
  scaling: 'standard',
  decomposed: false,
}

/** A file of adapter weights, by our names. */
export async function readAdapter(folder: string, name: string): Promise<Map<string, Float32Array>> {
  const tensors = await readTensors(join(folder, name), withoutPeftPrefix)
  return new Map([...tensors].map(([weight, { data }]) => [weight, data]))
}

/** Trained weights in one flat buffer, as the layout has them. */
export function flatten(layout: ParameterLayout, values: ReadonlyMap<string, Float32Array>): Float32Array {
  const flat = new Float32Array(layout.length)
  for (const { name, offset } of layout.entries) flat.set(values.get(name)!, offset)
  return flat
}

/** Micro-batches of each step. */
export type GoldenBatches = readonly (readonly (readonly EncodedRow[])[])[]

/** The batches of every step, padding cut off. */
export async function readBatches(folder: string): Promise<GoldenBatches> {
  const path = join(folder, 'batches.safetensors')
  const [ids, mask, labels] = await Promise.all(
    ['input_ids', 'attention_mask', 'labels'].map((name) => readWholeNumbers(path, name)),
  )
  const rowOf = (row: number): EncodedRow => {
    const start = row * goldenWidth
    const end = start + mask!.subarray(start, start + goldenWidth).reduce((sum, bit) => sum + bit, 0)
    return { rowId: String(row), ids: ids!.subarray(start, end), labels: labels!.subarray(start, end) }
  }
  const steps = ids!.length / (goldenWidth * microBatches * microRows)
  return Array.from({ length: steps }, (_, step) =>
    Array.from({ length: microBatches }, (_, micro) =>
      Array.from({ length: microRows }, (_, row) => rowOf((step * microBatches + micro) * microRows + row)),
    ),
  )
}

export interface StepSums {
  /** In nats, over `labelled` tokens; the gradients that were added up are sums over them too. */
  readonly lossSum: number
  readonly labelled: number
}

/** Runs the micro-batches of a step and leaves the sum of their gradients in `gradients`. */
export async function runStep(
  session: Session,
  layout: ParameterLayout,
  parameters: Float32Array,
  step: GoldenBatches[number],
  gradients: Float32Array,
): Promise<StepSums> {
  gradients.fill(0)
  let [lossSum, labelled] = [0, 0]
  for (const rows of step) {
    const batch = collate(rows, causalCollation(1))
    const outputs = await session.run(new Map([...batch.feeds, ...viewsOf(layout, parameters)]))
    lossSum += sumLosses(outputs, 1)
    labelled += batch.labelledTokens
    for (const { name, offset, length } of layout.entries) {
      const gradient = outputs.get(`grad.${name}`)!.data as Float32Array
      for (let i = 0; i < length; i += 1) gradients[offset + i]! += gradient[i]!
    }
  }
  return { lossSum, labelled }
}

interface GoldenStep {
  readonly loss: number
  readonly n_targets: number
  readonly grad_norm: number
  readonly lr: number
}

export interface Replay {
  /** The largest relative error of any step. */
  readonly worst: { readonly loss: number; readonly gradNorm: number }
  readonly layout: ParameterLayout
  /** Behind the last step. */
  readonly parameters: Float32Array
}

/** AdamW with the recipe's own settings, warm-up over 3 steps, then a half cosine: as the golden runs. */
export async function replay(
  session: Session,
  built: BuiltGraph,
  initial: ReadonlyMap<string, Float32Array>,
  history: readonly GoldenStep[],
  batches: GoldenBatches,
): Promise<Replay> {
  const settings = optimizerSettings.parse({})
  const layout = layoutOf(built.trainable)
  const recipe = { optimizer: settings, regularisation: regularisationSettings.parse({}) }
  const state = initialState(layout, initial, recipe)
  const gradients = new Float32Array(layout.length)
  const optimizer = createOptimizer(settings, layout.entries, { ...state, gradients })
  const worst = { loss: 0, gradNorm: 0 }
  for (const [step, golden] of history.entries()) {
    const { lossSum, labelled } = await runStep(session, layout, state.parameters, batches[step]!, gradients)
    expect(labelled).toBe(golden.n_targets)
    const gradNorm = globalNorm(gradients) / labelled
    worst.loss = Math.max(worst.loss, Math.abs(lossSum / labelled / golden.loss - 1))
    worst.gradNorm = Math.max(worst.gradNorm, Math.abs(gradNorm / golden.grad_norm - 1))
    const schedule = { kind: 'cosine', totalSteps: history.length, warmupSteps: 3 } as const
    const learningRate = settings.learningRate * learningRateFactor(schedule, step)
    expect(Math.abs(learningRate - golden.lr)).toBeLessThan(1e-12)
    const gradScale = clipFactor(gradNorm, settings.clipNorm) / labelled
    optimizer.step({ updates: step + 1, learningRate, gradScale })
  }
  return { worst, layout, parameters: state.parameters }
}

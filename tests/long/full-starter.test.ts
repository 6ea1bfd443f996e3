// Full fine-tuning of the real starter model beside transformers (../shared/goldens/smollm2-lora): five steps of AdamW on
// all 134.5 million weights. Takes about 4 GB and a minute.
import { describe, expect, test } from 'vitest'
import { buildTrainingGraph, initialValues, languageModel, type MethodSpec } from '#engine/index.ts'
import { relativeDifference } from '../engine/support/numbers.ts'
import { goldenWidth, readBatches, replay } from '../golden-runs/replay.ts'
import { findGolden, openStarter, readJson } from '../golden-runs/starter.ts'

interface Snapshot {
  readonly sum: number
  readonly abs_sum: number
  readonly sq_sum: number
  readonly flat_index: readonly number[]
  readonly value: readonly number[]
}

interface History {
  readonly history: readonly { loss: number; n_targets: number; grad_norm: number; lr: number }[]
  readonly before: Readonly<Record<string, Snapshot>>
  readonly after: Readonly<Record<string, Snapshot>>
}

const found = findGolden('smollm2-lora')
const method: MethodSpec = { kind: 'full', topLayers: null }

describe.skipIf(!found)('five steps of full fine-tuning beside transformers', () => {
  if (!found) return
  test('losses and gradient norms within 1e-3, and the weights they end with', {
    timeout: 1_200_000,
  }, async () => {
    const { history, before, after } = readJson<History>(found.folder, 'full_history.json')
    const starter = await openStarter(found.ggufPath, goldenWidth)
    const { config, read } = starter
    const built = buildTrainingGraph(config, method, { lossChunks: 1, gradientCheckpointing: true })
    const initial = await initialValues({ config, method, task: languageModel, seed: 1, read })
    const session = await starter.compile(built)
    const batches = await readBatches(found.folder)
    const { worst, layout, parameters } = await replay(session, built, initial, history, batches)
    await session.dispose()
    console.info(
      `5 full steps: loss within ${worst.loss.toExponential(1)}, gradient norm within ${worst.gradNorm.toExponential(1)}`,
    )
    expect(worst.loss).toBeLessThan(1e-3)
    expect(worst.gradNorm).toBeLessThan(1e-3)

    for (const [name, end] of Object.entries(after)) {
      const { offset, length } = layout.entries.find((entry) => entry.name === name)!
      const weight = parameters.subarray(offset, offset + length)
      const squares = weight.reduce((sum, value) => sum + value * value, 0)
      expect(relativeDifference(squares, end.sq_sum), name).toBeLessThan(1e-5)
      // Each weight moved by up to the sum of the rates, 5e-4; it must have gone the same way.
      for (const [i, index] of end.flat_index.entries()) {
        const moved = end.value[i]! - before[name]!.value[i]!
        expect(Math.abs(weight[index]! - end.value[i]!), `${name}[${index}]`).toBeLessThan(
          1e-5 + Math.abs(moved) / 10,
        )
      }
    }
  })
})

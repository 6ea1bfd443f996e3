// Every way to train through the trainer's own job: it learns, a run that is stopped and gone on with ends bit for bit as
// one that was not, and what changes only how much is computed at once or twice changes no result.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { folderBytes } from '#core/system/folder-size.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { collate } from '../../../src/engine/train/collate.ts'
import { openModel } from '../../../src/processes/trainer/open-model.ts'
import { planStages } from '../../../src/processes/trainer/plan-stages.ts'
import { prepareRows, prepareTexts } from '../../../src/processes/trainer/prepare-rows.ts'
import { expectLearnsAndGoesOn, runJobHere, stepLossesIn } from './run-job-here.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'

vi.setConfig({ testTimeout: 120_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTinyLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

let runs = 0
const makeJob = (changes: Record<string, unknown>): Promise<TrainerJob> => {
  runs += 1
  const settings = {
    duration: { epochs: 2 },
    evaluation: { everySteps: 5, patience: null },
    checkpoints: { everySeconds: null, everySteps: 100 },
  }
  return tiny.makeJob(`run-${runs}`, { ...settings, ...changes })
}

const lora = { kind: 'lora', rank: 4, alpha: 8 }
const learnsAt = (learningRate: number, more: object = {}) => ({ optimizer: { learningRate, ...more } })

const instructed = {
  instruction: 'Say in one word of which of the kinds the text is, and nothing besides.',
  batch: { microRows: 4, accumulation: 2, packing: true },
}

const ways: readonly (readonly [name: string, changes: Record<string, unknown>])[] = [
  ['rank-stabilised LoRA', { method: { ...lora, scaling: 'rank-stabilised' } }],
  ['DoRA', { method: { ...lora, decomposed: true } }],
  ['LoRA on a base of 8 bits', { method: { ...lora, base: 'int8' } }],
  ['LoRA on a base of 4 bits', { method: { ...lora, base: 'int4' } }],
  ['LoRA on a base of normal floats', { method: { ...lora, base: 'nf4' } }],
  ['rows one behind the other', { batch: { microRows: 4, accumulation: 2, packing: true } }],
  ['rows one behind the other, an instruction before them once', instructed],
  [
    'the uppermost block, what lies below computed once',
    { method: { ...lora, topLayers: 1 }, reuseFrozenLayers: true },
  ],
  ['noise on the embeddings', { regularisation: { neftuneAlpha: 5 } }],
  ['smoothed labels', { regularisation: { labelSmoothing: 0.1 } }],
  ['an average of the weights', { regularisation: { averaging: 0.8 } }],
  ['AdamW of 8 bits', learnsAt(0.01, { kind: 'adamw-8bit' })],
  ['Adafactor', learnsAt(0.02, { kind: 'adafactor' })],
  ['Lion', learnsAt(0.003, { kind: 'lion' })],
  ['SGD', learnsAt(1, { kind: 'sgd' })],
  ['lower blocks learning more gently', learnsAt(0.01, { layerDecay: 0.7 })],
]

describe.each(ways)('%s', (_, changes) => {
  it('learns, and goes on from a checkpoint as if never stopped', () =>
    expectLearnsAndGoesOn(() => makeJob(changes)))
})

describe('a base of few bits', () => {
  it('is told while it is made, which is once for a model', async () => {
    const bare = await makeTinyLibrary()
    try {
      const toldIn = async (runId: string, base: string): Promise<string[]> => {
        const job = await bare.makeJob(runId, { method: { ...lora, base }, duration: { epochs: 1 } })
        return (await runJobHere(job)).flatMap((event) =>
          event.kind === 'phase' && event.phase === 'quantising' ? [event.detail] : [],
        )
      }
      expect(await toldIn('first', 'int8')).toEqual(["bringing the model's weights into int8"])
      expect(await toldIn('second', 'int8')).toEqual([])
      expect(await toldIn('third', 'float')).toEqual([])
    } finally {
      await rm(bare.library.home, { recursive: true, force: true })
    }
  })
})

describe('the limit of what is kept on disk', () => {
  it('of 0 keeps neither tokens nor states, and the run is the same', async () => {
    const changes = { method: { ...lora, topLayers: 1 }, reuseFrozenLayers: true, duration: { epochs: 1 } }
    const kept = await runJobHere(await makeJob(changes))
    const bare = await makeTinyLibrary()
    try {
      const job = await bare.makeJob('bare', { ...changes, evaluation: { everySteps: 5, patience: null } })
      const losses = stepLossesIn(await runJobHere({ ...job, cacheLimitBytes: 0 }))
      for (const [index, lossNats] of stepLossesIn(kept).entries())
        expect(losses[index]!).toBeCloseTo(lossNats, 2)
      expect(await folderBytes(join(bare.library.cacheFolder, 'tokens'))).toBe(0)
      expect(await folderBytes(join(bare.library.cacheFolder, 'frozen-layers'))).toBe(0)
    } finally {
      await rm(bare.library.home, { recursive: true, force: true })
    }
  })
})

describe('how much is computed at once or twice', () => {
  it('changes nothing but rounding', async () => {
    const plain = stepLossesIn(await runJobHere(await makeJob({})))
    for (const changes of [
      { batch: { microRows: 4, accumulation: 2, rowsAtOnce: 1 } },
      { batch: { microRows: 4, accumulation: 2, packing: true } },
      { gradientCheckpointing: false },
    ]) {
      const losses = stepLossesIn(await runJobHere(await makeJob(changes)))
      expect(losses).toHaveLength(plain.length)
      for (const [index, lossNats] of plain.entries()) expect(losses[index]!).toBeCloseTo(lossNats, 4)
    }
  })

  it('of an instruction that all rows begin with neither, and it is computed once for a batch', async () => {
    const { instruction, batch } = instructed
    const job = await makeJob(instructed)
    const source = { rows: prepareRows, texts: prepareTexts }
    const { setup, rows } = (await planStages(job, await openModel(job), source)).main
    expect(collate(setup.trainRows.slice(0, 4), setup.collation).sharedTokens).toBeGreaterThan(8)
    rows.close()
    const together = stepLossesIn(await runJobHere(job))
    const apart = await makeJob({ instruction, batch: { ...batch, packing: false } })
    const losses = stepLossesIn(await runJobHere(apart))
    expect(together).toHaveLength(losses.length)
    for (const [index, lossNats] of losses.entries()) expect(together[index]!).toBeCloseTo(lossNats, 4)
  })

  it('of frozen blocks gives the same run but for the precision they are kept in, and later runs read them', async () => {
    const method = { ...lora, topLayers: 1 }
    const fresh = stepLossesIn(await runJobHere(await makeJob({ method })))
    const first = stepLossesIn(await runJobHere(await makeJob({ method, reuseFrozenLayers: true })))
    for (const [index, lossNats] of fresh.entries()) expect(first[index]!).toBeCloseTo(lossNats, 2)
    expect(stepLossesIn(await runJobHere(await makeJob({ method, reuseFrozenLayers: true })))).toEqual(first)
  })
})

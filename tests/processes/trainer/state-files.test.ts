// A training state through a checkpoint on disk and back, for every optimizer; and checkpoints of version 1.
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findNewestCheckpoint } from '../../../src/core/training/checkpoint-search.ts'
import {
  estimateCheckpointBytes,
  prepareCheckpoints,
  writeCheckpoint,
} from '../../../src/core/training/checkpoints.ts'
import { createOptimizer, type OptimizerKind } from '../../../src/engine/optim/optimizer.ts'
import { blankState, layoutOf, type TrainState } from '../../../src/engine/train/state.ts'
import { identityOf } from '../../../src/processes/trainer/run-identity.ts'
import { readState, stateContent } from '../../../src/processes/trainer/state-files.ts'
import { type Recipe, recipe as recipeSchema } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'

let run: string
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'tunewright-state-'))
  await prepareCheckpoints(run)
})
afterEach(() => rm(run, { recursive: true, force: true }))

const required = {
  version: 1,
  model: { id: 'tiny', weightsSha256: '0'.repeat(64) },
  data: { fingerprint: 'rows' },
  scenario: 'classification',
  instruction: '',
  threads: 2,
}
const recipeOf = (changes: Record<string, unknown> = {}): Recipe =>
  recipeSchema.parse({ ...required, ...changes })
const identify = (recipe: Recipe) =>
  identityOf({ runId: 'run', recipe }, { sha256: 'r' }, { backend: 'b', tunewright: '1' })

const layout = layoutOf([
  { name: 'model.layers.0.weight', shape: [67, 101] },
  { name: 'model.layers.1.weight', shape: [8, 12] },
  { name: 'model.norm.weight', shape: [12] },
])

/** A state with numbers in all its buffers, after two steps. */
function stateOf(recipe: Recipe): TrainState {
  const state = blankState(layout, recipe)
  const gradients = Float32Array.from({ length: layout.length }, (_, i) => Math.sin(i * i))
  const optimizer = createOptimizer(recipe.optimizer, layout.entries, { ...state, gradients })
  for (const updates of [1, 2]) optimizer.step({ updates, learningRate: 0.1, gradScale: 1 })
  state.average?.set(state.parameters.map((value) => value / 3))
  state.best = { step: 1, lossNats: 1 / 3, parameters: state.parameters.map((value) => value / 7) }
  return Object.assign(state, { step: 2, tokensSeen: 99, evaluatedAtStep: 1, patienceLossNats: 0.1 })
}

async function save(state: TrainState, recipe: Recipe): Promise<string> {
  const { folder } = unwrap(await writeCheckpoint(run, stateContent(state, layout, identify(recipe))))
  return join(run, 'checkpoints', folder)
}
async function load(recipe: Recipe): Promise<TrainState> {
  const { newest } = unwrap(await findNewestCheckpoint(run))
  return (await readState(newest!, layout, recipe, identify(recipe))).state
}

describe('what a checkpoint belongs to', () => {
  it('is not the device that computed it, of old checkpoints either', () => {
    // As the first versions wrote it: its recipe's hash goes by what could be set then.
    const first = recipeOf({ batch: { packing: false } })
    for (const recipe of [first, recipeOf({ method: { decomposed: true } })]) {
      const moved = identify({ ...recipe, device: 'tensorflow-cpu-bf16' })
      expect(moved).toEqual(identify(recipe))
    }
    expect(identify(first).firstRecipeSha256).not.toBeNull()
  })
})

describe('a state', () => {
  it.each([
    ['adamw', null],
    ['adamw-8bit', 0.9],
    ['adafactor', null],
    ['lion', 0.9],
    ['sgd', null],
  ] as const)('of %s, averaging %s, comes back bit for bit', async (kind, averaging) => {
    const recipe = recipeOf({ optimizer: { kind }, regularisation: { averaging } })
    const state = stateOf(recipe)
    await save(state, recipe)
    expect(await load(recipe)).toEqual(state)
  })

  it('does not hold the best version twice where it is that of this step', async () => {
    for (const averaging of [null, 0.9]) {
      const recipe = recipeOf({ regularisation: { averaging } })
      const state = stateOf(recipe)
      state.best = { step: 2, lossNats: 1, parameters: (state.average ?? state.parameters).slice() }
      const folder = await save(state, recipe)
      await expect(stat(join(folder, 'best.safetensors'))).rejects.toThrow('ENOENT')
      expect(await load(recipe)).toEqual(state)
      // Of two of one step neither is the newer.
      await rm(folder, { recursive: true })
    }
  })

  it('has the size on disk that its optimizer has in memory', async () => {
    const bytesOf = async (kind: OptimizerKind) => {
      const recipe = recipeOf({ optimizer: { kind } })
      const state = stateOf(recipe)
      const { size } = await stat(join(await save(state, recipe), 'moments.safetensors'))
      expect(estimateCheckpointBytes(stateContent(state, layout, identify(recipe)))).toBeGreaterThan(size)
      return size
    }
    const [adamw, coded, adafactor] = [
      await bytesOf('adamw'),
      await bytesOf('adamw-8bit'),
      await bytesOf('adafactor'),
    ]
    expect(adamw).toBeGreaterThan(8 * layout.length)
    expect(coded).toBeLessThan(0.3 * adamw)
    expect(adafactor).toBeLessThan(3000)
  })

  it('of another optimizer is refused', async () => {
    const recipe = recipeOf()
    await save(stateOf(recipe), recipe)
    await expect(load(recipeOf({ optimizer: { kind: 'adamw-8bit' } }))).rejects.toMatchObject({
      problem: { code: 'run.not-resumable' },
    })
  })
})

/** As recipes were when checkpoints of version 1 were written, keys in order. */
const firstRecipe =
  '{"batch":{"accumulation":1,"maxTokens":512,"microRows":8},"checkpoints":{"everySeconds":120,"everySteps":null,"keepLast":3},"data":{"fingerprint":"rows"},"duration":{"epochs":3,"maxSteps":null},"evaluation":{"everySteps":null,"minImprovementNats":0.001,"patience":3},"gradientCheckpointing":true,"instruction":"","method":{"alpha":16,"kind":"lora","rank":8,"targets":["q_proj","k_proj","v_proj","o_proj","gate_proj","up_proj","down_proj"],"topLayers":null},"model":{"id":"tiny","weightsSha256":"0000000000000000000000000000000000000000000000000000000000000000"},"optimizer":{"beta1":0.9,"beta2":0.999,"clipNorm":1,"epsilon":1e-8,"kind":"adamw","learningRate":0.0002,"weightDecay":0.01},"scenario":"classification","schedule":{"kind":"cosine","warmupShare":0.05},"seed":42,"threads":2,"version":1}'

interface SavedFields {
  readonly identity: object
  readonly stage: number
}

/** As if another version had written the checkpoint: every byte still verifies. */
async function rewriteState(folder: string, change: (saved: SavedFields) => object): Promise<void> {
  const path = join(folder, 'state.json')
  const text = JSON.stringify(change(JSON.parse(await readFile(path, 'utf8'))))
  await writeFile(path, text)
  const manifestPath = join(folder, 'manifest.json')
  const manifest = JSON.parse(await readFile(manifestPath, 'utf8'))
  const entry = manifest.files.find(({ name }: { name: string }) => name === 'state.json')
  Object.assign(entry, { sizeBytes: text.length, sha256: createHash('sha256').update(text).digest('hex') })
  await writeFile(manifestPath, JSON.stringify(manifest))
}

describe('the stage', () => {
  it('comes back, and a checkpoint from before there were two is of the second', async () => {
    const recipe = recipeOf({ before: { fingerprint: 'texts' } })
    const first = stateOf(recipe)
    first.stage = 1
    const folder = await save(first, recipe)
    expect(await load(recipe)).toEqual(first)
    await rm(folder, { recursive: true })

    const plain = recipeOf()
    const state = stateOf(plain)
    await rewriteState(await save(state, plain), ({ stage: _, ...saved }) => saved)
    expect(await load(plain)).toEqual(state)
    expect(state.stage).toBe(2)
  })
})

describe('a checkpoint of version 1', () => {
  /** Writes today's and makes it one of that time. */
  async function saveFirst(recipe: Recipe): Promise<TrainState> {
    const state = stateOf(recipe)
    const recipeSha256 = createHash('sha256').update(firstRecipe).digest('hex')
    await rewriteState(await save(state, recipe), ({ stage: _, ...saved }) => ({
      ...saved,
      version: 1,
      identity: { ...saved.identity, recipeSha256 },
    }))
    return state
  }

  it('is gone on from', async () => {
    const recipe = recipeSchema.parse(JSON.parse(firstRecipe))
    const state = await saveFirst(recipe)
    expect(await load(recipe)).toEqual(state)
    expect(await load(recipeOf({ batch: { packing: false } }))).toEqual(state)
  })
  it.each([
    { optimizer: { learningRate: 1e-4 } },
    { optimizer: { layerDecay: 0.9 } },
    { regularisation: { neftuneAlpha: 5 } },
    { before: { fingerprint: 'texts' } },
  ])('is refused by the recipe with %o', async (changes) => {
    await saveFirst(recipeOf())
    await expect(load(recipeOf(changes))).rejects.toMatchObject({
      problem: { code: 'run.not-resumable', message: expect.stringContaining('recipe has changed') },
    })
  })
})

describe('the hash of a recipe', () => {
  const hashOf = (changes: Record<string, unknown>) => identify(recipeOf(changes)).saved.recipeSha256
  it('differs with any setting, and with none that is said in other words', () => {
    const usual = hashOf({})
    expect(hashOf({ optimizer: { learningRate: 2e-4 }, seed: 42 })).toBe(usual)
    const others = [
      { seed: 1 },
      { scenario: 'domain' },
      { optimizer: { clipNorm: null } },
      { method: { targets: ['q_proj'] } },
      { threads: 3 },
      { evaluation: { atShares: [1 / 3, 1] } },
      { evaluation: { mostRows: 50 } },
    ]
    expect(new Set([usual, ...others.map(hashOf)]).size).toBe(8)
  })
  it('is what it was when rows lay beside each other by default: checkpoints of that time are gone on from', () => {
    expect(hashOf({ batch: { packing: false } })).toBe(
      '2e8a2b91e6f17604e21ad789b8313ff13a6f0d85f6de2a5bde54edba13b5aad1',
    )
    expect(hashOf({ batch: { packing: true } })).toBe(
      '05c0e0f5fc7144c80a3ab2ca4d27be9f71cbc121f4b72a1f3221197c1281ec7c',
    )
  })
})

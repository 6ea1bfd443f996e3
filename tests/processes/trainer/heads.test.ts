// A new last layer on a tiny encoder, through the trainer's own job: it learns, goes on bit for bit, computes the frozen
// body once, and leaves a model folder in the form of the transformers class with such a head.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { readSafetensorsHeader } from '#formats/safetensors.ts'
import { datasetFolder } from '../../../src/core/data/dataset-folder.ts'
import { importDataset } from '../../../src/core/data/import-dataset.ts'
import { sha256File } from '../../../src/core/system/durable-files.ts'
import { openFileBytes } from '../../../src/core/system/file-bytes.ts'
import { runTrainingJob } from '../../../src/processes/trainer/training-job.ts'
import { recipeDraft } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'
import type { TrainerEvent, TrainerJob } from '../../../src/shared/trainer-protocol.ts'
import { writeTinyEncoder } from '../tiny-encoder.ts'
import { makeTestLibrary, messagesCsv, readJson, type TestLibrary } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'

vi.setConfig({ testTimeout: 120_000 })

const names = ['anna', 'berta', 'carl', 'dora', 'emil', 'frida']
const towns = ['lisbon', 'oslo', 'paris', 'rome', 'turin', 'vienna']
const namedRows = Array.from({ length: 40 }, (_, i) => {
  const [name, town] = [names[i % 6]!, towns[(5 * i + (i % 7)) % 6]!]
  return { text: `${name} went to ${town} ${i}`, entities: `PERSON: ${name}\nPLACE: ${town}` }
})

let tiny: TestLibrary
let namedFingerprint: string
beforeAll(async () => {
  const id = 'tiny-bert'
  tiny = await makeTestLibrary(messagesCsv(60), async ({ modelsFolder }) => {
    const folder = writeTinyEncoder(join(modelsFolder, id))
    return { id, weightsSha256: await sha256File(join(folder, 'model.safetensors')) }
  })
  const path = join(tiny.library.cacheFolder, 'names.jsonl')
  await writeFile(path, namedRows.map((row) => JSON.stringify(row)).join('\n'))
  const data = recipeDraft.shape.data.parse({ path })
  namedFingerprint = unwrap(await importDataset(tiny.library, data, 'entity-recognition')).fingerprint
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

async function run(job: TrainerJob, stopAtStep = Number.POSITIVE_INFINITY): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = []
  let step = 0
  const host = {
    backend: createOnnxBackend(),
    appVersion: 'test',
    memory: null,
    nowMs: () => performance.now(),
    peakResidentBytes: () => 1,
    nextCommand: async () => (step >= stopAtStep ? ('cancel' as const) : ('continue' as const)),
    holdYourself: () => {},
    waitWhilePaused: async () => 'cancel' as const,
  }
  for await (const event of runTrainingJob(job, host)) {
    events.push(event)
    if (event.kind === 'step') step = event.step
  }
  return events
}

const lossesIn = (events: readonly TrainerEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'evaluation' ? [event.lossNats] : []))

const stepLossesIn = (events: readonly TrainerEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'step' ? [event.lossNats] : []))

let runs = 0
async function makeJob(scenario: string, changes: Record<string, unknown>): Promise<TrainerJob> {
  runs += 1
  const job = await tiny.makeJob(`run-${runs}`, {
    scenario,
    duration: { epochs: 40 },
    optimizer: { learningRate: 0.05 },
    evaluation: { everySteps: 10, patience: null },
    checkpoints: { everySeconds: null, everySteps: 100 },
    ...(scenario === 'entity-recognition' && { data: { fingerprint: namedFingerprint } }),
    ...changes,
  })
  if (scenario === 'classification') return job
  return { ...job, datasetFolder: datasetFolder(tiny.library, namedFingerprint) }
}

const ways = [
  ['a head for texts', 'classification', { method: { kind: 'head' } }],
  ['one on states that are kept', 'classification', { method: { kind: 'head' }, reuseFrozenLayers: true }],
  [
    'a head and an adapter',
    'classification',
    {
      method: { kind: 'lora-head', rank: 4, alpha: 8 },
      optimizer: { learningRate: 0.01 },
      duration: { epochs: 12 },
    },
  ],
  ['a head for words', 'entity-recognition', { method: { kind: 'head' }, reuseFrozenLayers: true }],
] as const

describe.each(ways)('%s', (_, scenario, changes) => {
  it('learns, and goes on from a checkpoint as if never stopped', async () => {
    const whole = await run(await makeJob(scenario, changes))
    // What the body of random weights makes of a text says little of other texts: that it learns is seen on its own rows.
    const steps = stepLossesIn(whole)
    expect(Math.min(...steps.slice(-10))).toBeLessThan(Math.min(...steps.slice(0, 3)) - 0.3)
    const job = await makeJob(scenario, changes)
    expect(finishedOf(await run(job, 3)).reason).toBe('cancelled')
    const rest = await run(job)
    expect(finishedOf(rest).adapterSha256).toBe(finishedOf(whole).adapterSha256)
    expect(lossesIn(rest)).toEqual(lossesIn(whole).slice(1))
  })
})

describe('what the frozen body gives', () => {
  it('is the same whether it is kept or computed in every step, but for the precision that it is kept in', async () => {
    // All rows in every step: in which order rows come goes by their lengths, and kept ones have none.
    const plain = { method: { kind: 'head' }, batch: { microRows: 64, maxTokens: 200 } }
    const fresh = lossesIn(await run(await makeJob('classification', plain)))
    const kept = lossesIn(await run(await makeJob('classification', { ...plain, reuseFrozenLayers: true })))
    expect(fresh.length).toBeGreaterThan(3)
    for (const [index, lossNats] of fresh.entries()) expect(kept[index]!).toBeCloseTo(lossNats, 2)
  })
})

describe('what a run leaves', () => {
  const namesIn = async (folder: string): Promise<string[]> => {
    const file = await openFileBytes(join(folder, 'model.safetensors'))
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    await file.close()
    return [...tensors.keys()]
  }

  it('is the model with its head, under the names of the class that has one', async () => {
    const job = await makeJob('entity-recognition', { method: { kind: 'head' }, reuseFrozenLayers: true })
    const events = await run(job)
    const folder = join(job.runFolder, 'model')
    expect(await sha256File(join(folder, 'model.safetensors'))).toBe(finishedOf(events).adapterSha256)
    expect(await readJson(join(folder, 'config.json'))).toMatchObject({
      architectures: ['BertForTokenClassification'],
      id2label: { 0: 'O', 1: 'B-PERSON', 2: 'I-PERSON', 3: 'B-PLACE', 4: 'I-PLACE' },
    })
    const held = await namesIn(folder)
    expect(held).toContain('bert.encoder.layer.1.output.dense.weight')
    expect(held.filter((name) => !name.startsWith('bert.'))).toEqual(['classifier.weight', 'classifier.bias'])
    const samples = events.flatMap((event) => (event.kind === 'samples' ? [event.answers] : []))
    expect(samples.at(-1)!.some(({ isRight }) => isRight)).toBe(true)
  })
})

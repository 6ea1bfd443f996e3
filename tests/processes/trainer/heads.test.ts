// A new last layer on a tiny encoder, alone and with what lies below it, through the trainer's own job: it learns, goes on bit
// for bit, computes a frozen body once, and leaves a model folder in the form of the transformers class with such a head.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sha256File } from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
import { type HeadRuns, makeHeadRuns } from './head-runs.ts'
import { runJobHere } from './run-job-here.ts'
import { readJson } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'

vi.setConfig({ testTimeout: 120_000 })

let runs: HeadRuns
beforeAll(async () => {
  runs = await makeHeadRuns()
})
afterAll(() => rm(runs.tiny.library.home, { recursive: true, force: true }))

const lossesIn = (events: readonly TrainerEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'evaluation' ? [event.lossNats] : []))

const stepLossesIn = (events: readonly TrainerEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'step' ? [event.lossNats] : []))

/** All weights of a tiny model, which know nothing: they bear larger steps than those of a real one. */
const whole = {
  method: { kind: 'full-head' },
  optimizer: { learningRate: 0.005 },
  duration: { epochs: 6 },
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
  ['a head and the whole model', 'classification', whole],
  [
    'a head and the uppermost block',
    'classification',
    { ...whole, method: { kind: 'full-head', topLayers: 1 }, reuseFrozenLayers: true },
  ],
  ['a head for words and the whole model', 'entity-recognition', whole],
] as const

describe.each(ways)('%s', (_, scenario, changes) => {
  it('learns, and goes on from a checkpoint as if never stopped', async () => {
    const whole = await runJobHere(await runs.makeJob(scenario, changes))
    // What the body of random weights makes of a text says little of other texts: that it learns is seen on its own rows.
    const steps = stepLossesIn(whole)
    expect(Math.min(...steps.slice(-10))).toBeLessThan(Math.min(...steps.slice(0, 3)) - 0.3)
    const job = await runs.makeJob(scenario, changes)
    expect(finishedOf(await runJobHere(job, 3)).reason).toBe('cancelled')
    const rest = await runJobHere(job)
    expect(finishedOf(rest).adapterSha256).toBe(finishedOf(whole).adapterSha256)
    expect(lossesIn(rest)).toEqual(lossesIn(whole).slice(1))
  })
})

describe('what the frozen body gives', () => {
  it('is the same whether it is kept or computed in every step, but for the precision that it is kept in', async () => {
    // All rows in every step: in which order rows come goes by their lengths, and kept ones have none.
    const plain = { method: { kind: 'head' }, batch: { microRows: 64, maxTokens: 200 } }
    const fresh = lossesIn(await runJobHere(await runs.makeJob('classification', plain)))
    const kept = lossesIn(
      await runJobHere(await runs.makeJob('classification', { ...plain, reuseFrozenLayers: true })),
    )
    expect(fresh.length).toBeGreaterThan(3)
    for (const [index, lossNats] of fresh.entries()) expect(kept[index]!).toBeCloseTo(lossNats, 2)
  })
})

describe('what a run leaves', () => {
  const valuesIn = async (folder: string): Promise<Map<string, Buffer>> => {
    const path = join(folder, 'model.safetensors')
    const file = await openFileBytes(path)
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    await file.close()
    const bytes = await readFile(path)
    return new Map(
      [...tensors].map(([name, { offsetBytes, lengthBytes }]) => [
        name,
        bytes.subarray(offsetBytes, offsetBytes + lengthBytes),
      ]),
    )
  }
  const namesIn = async (folder: string): Promise<string[]> => {
    const file = await openFileBytes(join(folder, 'model.safetensors'))
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    await file.close()
    return [...tensors.keys()]
  }

  it('is the whole model in float32 where all of it was trained, whatever its file had', async () => {
    const job = await runs.makeJob('entity-recognition', whole)
    const events = await runJobHere(job)
    // Else it would be the model as it was.
    expect(finishedOf(events).bestStep).toBeGreaterThan(0)
    const folder = join(job.runFolder, 'model')
    expect(await sha256File(join(folder, 'model.safetensors'))).toBe(finishedOf(events).adapterSha256)
    expect(await readJson(join(folder, 'config.json'))).toMatchObject({ torch_dtype: 'float32' })
    const held = await valuesIn(folder)
    const known = await valuesIn(job.modelFolder)
    // The file of the class has the body below a name of its own, and no pooler.
    const body = [...held].filter(([name]) => name.startsWith('bert.'))
    expect(body).toHaveLength(known.size - 2)
    for (const [name, values] of body) {
      const before = known.get(name.slice('bert.'.length))!
      expect(values, name).toHaveLength(before.length)
      expect(values, name).not.toEqual(before)
    }
  })

  it('is the model with its head, under the names of the class that has one', async () => {
    const job = await runs.makeJob('entity-recognition', {
      method: { kind: 'head' },
      reuseFrozenLayers: true,
    })
    const events = await runJobHere(job)
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

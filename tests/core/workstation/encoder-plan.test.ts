// Plans for a model that only reads (BERT), through the contract with real parts: names and labels can be planned, and
// what it cannot learn is said so that a person knows what to choose instead.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyEncoder } from '../../processes/tiny-encoder.ts'
import { namedRowsCsv } from '../../processes/trainer/head-runs.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { newProject } from './new-project.ts'
import { type OpenWorkstation, openWorkstation } from './open-workstation.ts'

const readerProject = async (
  station: OpenWorkstation,
  wishes: { scenario?: ScenarioId; csv?: string } = {},
) => (await newProject(station, { ...wishes, writeModel: writeTinyEncoder })).projectId

test.each([
  ['entity-recognition', namedRowsCsv()],
  ['classification', messagesCsv(60)],
] as const)('%s with a model that only reads is planned', async (scenario, csv) => {
  const station = await openWorkstation()
  const projectId = await readerProject(station, { scenario, csv })
  for (const kind of ['head', 'lora-head', 'full-head'] as const) {
    const changes = { 'method.kind': kind }
    const plan = unwrap(await station.api.call('plan.estimate', { projectId, preset: 'balanced', changes }))
    expect(plan.blocking).toBeNull()
    expect(plan.estimate.memoryBytes).toBeGreaterThan(0)
  }
})

// Its rows were measured with the instruction of a model that writes, and refused as too long.
test('what a new last layer reads is the text alone, and so are its rows in the plan', async () => {
  const station = await openWorkstation()
  const projectId = await readerProject(station)
  const changes = { 'method.kind': 'head', 'batch.maxTokens': 32 }
  const plan = unwrap(await station.api.call('plan.estimate', { projectId, preset: 'balanced', changes }))
  expect(plan.blocking).toBeNull()
  expect(plan.sentences.join(' ')).not.toContain('left out')
})

test('a goal of answers in words asks for another model, whatever the settings', async () => {
  const station = await openWorkstation()
  const csv = [
    'context,question,answer',
    ...Array.from({ length: 40 }, (_, i) => `box ${i} is red,colour ${i}?,red ${i}`),
  ]
  const projectId = await readerProject(station, { scenario: 'question-answering', csv: csv.join('\n') })
  for (const kind of ['head', 'lora', 'full', 'full-head'] as const) {
    const changes = { 'method.kind': kind }
    const plan = unwrap(await station.api.call('plan.estimate', { projectId, preset: 'balanced', changes }))
    expect(plan.blocking).toMatchObject({
      where: 'model',
      remedy: expect.stringMatching(/^Choose another model/),
    })
    expect(plan.sentences).toEqual([])
  }
  expect(await station.api.call('advice.start', { projectId })).toMatchObject({ problem: { where: 'model' } })
})

test('a run that leaves a whole model takes its room on the disk, an adapter does not', async () => {
  const station = await openWorkstation()
  const projectId = await readerProject(station)
  const [model] = unwrap(await station.api.call('models.list', {})).models
  const { size } = statSync(join(model!.place, 'model.safetensors'))
  const diskOf = async (changes: Record<string, string | number>) => {
    const asked = { projectId, preset: 'balanced' as const, changes }
    return unwrap(await station.api.call('plan.estimate', asked)).estimate.diskBytes
  }
  expect(await diskOf({ 'method.kind': 'head' })).toBeGreaterThan(0.9 * size)
  expect(await diskOf({ 'method.kind': 'head' })).toBeLessThan(1.5 * size)
  // Besides, checkpoints with all weights, the best of them, and twice as much of the optimizer.
  expect(await diskOf({ 'method.kind': 'full-head', 'checkpoints.keepLast': 1 })).toBeGreaterThan(10 * size)
  expect(
    await diskOf({ 'method.kind': 'lora-head', 'method.rank': 1, 'checkpoints.keepLast': 1 }),
  ).toBeLessThan(size)
})

test('longer rows than the model reads are not promised', async () => {
  const station = await openWorkstation()
  const projectId = await readerProject(station)
  const sentencesOf = async (maxTokens: number) => {
    const asked = { projectId, preset: 'balanced' as const, changes: { 'batch.maxTokens': maxTokens } }
    return unwrap(await station.api.call('plan.estimate', asked)).sentences.join(' ')
  }
  expect(await sentencesOf(129)).toContain('reads at most 128 tokens at once')
  expect(await sentencesOf(128)).not.toContain('at once')
})

test('a model that only reads is not asked before it is trained, and that is said at once', async () => {
  const station = await openWorkstation()
  const projectId = await readerProject(station)
  expect(await station.api.call('advice.start', { projectId })).toMatchObject({
    ok: false,
    problem: {
      message: expect.stringMatching(/only reads/),
      remedy: expect.stringMatching(/new last layer/),
    },
  })
})

// Real runs repeated with real trainers: the same recipe gives the same bits on this computer, another number of threads is
// named, and where model or rows are not as they were nothing begins.
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import type { Library } from '#core/system/library.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { prepareRepeat, prepareRetry, repeatOf } from '#core/training/repeat-run.ts'
import { createRunService } from '#core/training/run-service.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { freshFolder, freshLibrary } from '../models/places.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let library: Library
let writer: JournalWriter
let reader: JournalReader
let original: string

async function train(runId: string): Promise<string> {
  const service = createRunService({ library, writer, reader, launcher: createNodeLauncher() })
  const { ended } = unwrap(await service.launch(runId))
  return (await ended).status
}

beforeAll(async () => {
  library = freshLibrary()
  writer = unwrap(openJournalWriter(library.journalPath))
  reader = unwrap(openJournalReader(library.journalPath))
  const model = unwrap(await importModel(library, writeTinyModel(freshFolder())))
  const path = join(library.cacheFolder, 'messages.csv')
  writeFileSync(path, messagesCsv(60))
  const draft = recipeDraft.parse({
    ...{ name: 'Sorted', model: model.id, scenario: 'classification', threads: 1, device: 'cpu' },
    data: { path, columns: { text: 'message', label: 'team' } },
    method: { kind: 'lora', rank: 4, alpha: 8 },
    batch: { microRows: 4, accumulation: 1, maxTokens: 200 },
    duration: { epochs: 1, maxSteps: 8 },
    evaluation: { everySteps: 4 },
    optimizer: { learningRate: 0.01 },
  })
  original = unwrap(await prepareRun(draft, { library, writer })).runId
  expect(await train(original)).toBe('finished')
})
afterAll(() => {
  reader.close()
  unwrap(writer.close())
})

const showed = (runId: string) => repeatOf(reader, unwrap(reader.getRun(runId)))

test('the same recipe once more gives the same bits, as a run of its own', async () => {
  const { runId } = unwrap(await prepareRepeat(original, { library, reader, writer }))
  const repeat = unwrap(reader.getRun(runId))
  expect(repeat).toMatchObject({ name: 'Sorted (repeat)', status: 'queued' })
  expect(repeat.recipe).toEqual(unwrap(reader.getRun(original)).recipe)
  expect(await train(runId)).toBe('finished')
  const check = showed(runId)
  expect(check).toMatchObject({ originalId: original, kind: 'same', differences: [] })
  expect(check?.sentence).toMatch(
    /^The same came out to the last bit: 8 losses .* and the trained weights\.$/,
  )
  // A repeat of it is named as the first one is, and linked to what it repeats.
  const again = unwrap(await prepareRepeat(runId, { library, reader, writer })).runId
  expect(unwrap(reader.getRun(again)).name).toBe('Sorted (repeat)')
  expect(showed(again)).toMatchObject({ originalId: runId, kind: 'running' })
  expect(await prepareRepeat(again, { library, reader, writer })).toMatchObject({
    problem: { code: 'run.active' },
  })
})

test('with another number of threads it says so, and another seed is seen in the first steps', async () => {
  const { recipe, projectId, device, versions } = unwrap(reader.getRun(original))
  const changed = async (change: Partial<typeof recipe>): Promise<string> => {
    const run = { name: 'Changed', projectId, backend: 'not started yet', device, versions: { ...versions } }
    const { id } = unwrap(writer.createRun({ ...run, recipe: { ...recipe, ...change } }))
    unwrap(writer.addLink({ runId: id, kind: 'repeats', parent: original }))
    expect(await train(id)).toBe('finished')
    return id
  }
  const threads = showed(await changed({ threads: 2 }))
  expect(threads?.differences).toEqual([{ what: 'threads', before: '1', now: '2' }])
  expect(threads?.sentence).toContain('threads')
  const seed = showed(await changed({ seed: 7 }))
  expect(seed).toMatchObject({ kind: 'different', differences: [{ what: 'seed', before: '42', now: '7' }] })
  expect(seed?.firstDifferentStep).toBeLessThanOrEqual(1)
  expect(seed?.largestDifferenceNats).toBeGreaterThan(1e-4)
})

test('without its rows or its model as they were nothing begins, and what is missing is said', async () => {
  const { recipe, modelId } = unwrap(reader.getRun(original))
  const count = (): number => unwrap(reader.listRuns()).total
  const before = count()
  const refused = async () => prepareRepeat(original, { library, reader, writer })

  const rows = join(library.datasetsFolder, recipe.data.fingerprint, 'train.jsonl')
  const bytes = readFileSync(rows)
  appendFileSync(rows, '{"id":"x"}\n')
  expect(await refused()).toMatchObject({
    problem: {
      code: 'data.damaged',
      message: expect.stringContaining('the data set that it learnt from is not here'),
    },
  })
  writeFileSync(rows, bytes)

  const folder = join(library.datasetsFolder, recipe.data.fingerprint)
  renameSync(folder, `${folder}-away`)
  expect(await refused()).toMatchObject({
    problem: { code: 'data.unknown', remedy: expect.stringContaining('Import') },
  })
  renameSync(`${folder}-away`, folder)

  const model = join(library.modelsFolder, modelId)
  renameSync(model, join(library.cacheFolder, 'away'))
  expect(await refused()).toMatchObject({
    problem: { code: 'model.unknown', message: expect.stringContaining('its model') },
  })
  renameSync(join(library.cacheFolder, 'away'), model)
  expect(count()).toBe(before)
  expect(await prepareRepeat('nobody', { library, reader, writer })).toMatchObject({
    problem: { code: 'run.unknown' },
  })
})

test('tried again with other settings it is a run of its own that remembers the first', async () => {
  const ports = { library, reader, writer }
  const changes = { 'method.rank': 2, seed: 5 }
  const { runId } = unwrap(await prepareRetry(original, changes, ports))
  const { recipe, status } = unwrap(reader.getRun(runId))
  expect(status).toBe('queued')
  const first = unwrap(reader.getRun(original)).recipe
  expect(recipe).toEqual({ ...first, seed: 5, method: { ...first.method, rank: 2 } })
  expect(unwrap(reader.links(runId))).toMatchObject([{ runId, kind: 'retried-from', parent: original }])
  expect(showed(runId)).toBeNull()
})

test.each([
  [{ 'method.rank': 0 }, 'method.rank'],
  [{ 'model.id': 'another' }, 'model.id'],
  [{ '__proto__.polluted': 1 }, '__proto__.polluted'],
])('refuses %j by the name of the setting', async (changes, where) => {
  const refused = await prepareRetry(original, changes, { library, reader, writer })
  expect(refused).toMatchObject({ ok: false, problem: { code: 'recipe.invalid', where } })
})

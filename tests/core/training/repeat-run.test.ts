// Real runs repeated with real trainers: the same recipe gives the same bits on this computer, another number of threads is
// named, and where model or rows are not as they were nothing begins.
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { prepareRepeat, prepareRetry, repeatOf } from '#core/training/repeat-run.ts'
import { unwrap } from '#shared/result.ts'
import { openSmallRun, type SmallRun, train } from './small-run.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let small: SmallRun
let original: string

beforeAll(async () => {
  small = await openSmallRun('Sorted', 60)
  original = small.runId
})
afterAll(() => small.close())

const showed = (runId: string) => repeatOf(small.reader, unwrap(small.reader.getRun(runId)))

test('the same recipe once more gives the same bits, as a run of its own', async () => {
  const { runId } = unwrap(await prepareRepeat(original, small))
  const repeat = unwrap(small.reader.getRun(runId))
  expect(repeat).toMatchObject({ name: 'Sorted (repeat)', status: 'queued' })
  expect(repeat.recipe).toEqual(unwrap(small.reader.getRun(original)).recipe)
  expect((repeat.device as { reason: string }).reason).toBe(
    'On the processor: the run that it repeats began there, and the last bits depend on the device.',
  )
  await train(runId, small)
  const check = showed(runId)
  expect(check).toMatchObject({ originalId: original, kind: 'same', differences: [] })
  expect(check?.sentence).toMatch(
    /^The same came out to the last bit: 8 losses .* and the trained weights\.$/,
  )
  // A repeat of it is named as the first one is, and linked to what it repeats.
  const again = unwrap(await prepareRepeat(runId, small)).runId
  expect(unwrap(small.reader.getRun(again)).name).toBe('Sorted (repeat)')
  expect(showed(again)).toMatchObject({ originalId: runId, kind: 'running' })
  expect(await prepareRepeat(again, small)).toMatchObject({
    problem: { code: 'run.active' },
  })
})

test('with another number of threads it says so, and another seed is seen in the first steps', async () => {
  const { recipe, projectId, device, versions } = unwrap(small.reader.getRun(original))
  const changed = async (change: Partial<typeof recipe>): Promise<string> => {
    const run = { name: 'Changed', projectId, backend: 'not started yet', device, versions: { ...versions } }
    const { id } = unwrap(small.writer.createRun({ ...run, recipe: { ...recipe, ...change } }))
    unwrap(small.writer.addLink({ runId: id, kind: 'repeats', parent: original }))
    await train(id, small)
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
  const { recipe, modelId } = unwrap(small.reader.getRun(original))
  const count = (): number => unwrap(small.reader.listRuns()).total
  const before = count()
  const refused = async () => prepareRepeat(original, small)

  const rows = join(small.library.datasetsFolder, recipe.data.fingerprint, 'train.jsonl')
  const bytes = readFileSync(rows)
  appendFileSync(rows, '{"id":"x"}\n')
  expect(await refused()).toMatchObject({
    problem: {
      code: 'data.damaged',
      message: expect.stringContaining('the data set that it learnt from is not here'),
    },
  })
  writeFileSync(rows, bytes)

  const folder = join(small.library.datasetsFolder, recipe.data.fingerprint)
  renameSync(folder, `${folder}-away`)
  expect(await refused()).toMatchObject({
    problem: { code: 'data.unknown', remedy: expect.stringContaining('Import') },
  })
  renameSync(`${folder}-away`, folder)

  const model = join(small.library.modelsFolder, modelId)
  renameSync(model, join(small.library.cacheFolder, 'away'))
  expect(await refused()).toMatchObject({
    problem: { code: 'model.unknown', message: expect.stringContaining('its model') },
  })
  renameSync(join(small.library.cacheFolder, 'away'), model)
  expect(count()).toBe(before)
  expect(await prepareRepeat('nobody', small)).toMatchObject({
    problem: { code: 'run.unknown' },
  })
})

test('tried again with other settings it is a run of its own that remembers the first', async () => {
  const changes = { 'method.rank': 2, seed: 5 }
  const { runId } = unwrap(await prepareRetry(original, changes, small))
  const { recipe, status, device } = unwrap(small.reader.getRun(runId))
  expect(status).toBe('queued')
  expect((device as { reason: string }).reason).toBe(
    'On the processor: as the run that it is tried again from.',
  )
  const first = unwrap(small.reader.getRun(original)).recipe
  expect(recipe).toEqual({ ...first, seed: 5, method: { ...first.method, rank: 2 } })
  expect(unwrap(small.reader.links(runId))).toMatchObject([{ runId, kind: 'retried-from', parent: original }])
  expect(showed(runId)).toBeNull()
})

test.each([
  [{ 'method.rank': 0 }, 'method.rank'],
  [{ 'model.id': 'another' }, 'model.id'],
  [{ '__proto__.polluted': 1 }, '__proto__.polluted'],
])('refuses %j by the name of the setting', async (changes, where) => {
  const refused = await prepareRetry(original, changes, small)
  expect(refused).toMatchObject({ ok: false, problem: { code: 'recipe.invalid', where } })
})

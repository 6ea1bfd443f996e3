// What the library keeps, by its real sizes, and how it leaves.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalWriter } from '#journal/writer.ts'
import { describeProblem, unwrap } from '#shared/result.ts'
import { addSampleLibrary } from '../../journal/support/sample.ts'
import { openWorkstation, temporaryHome } from '../workstation/open-workstation.ts'

/** A home with one finished run and its files, and one run that a crash left. */
async function homeWithRuns(): Promise<{ home: string; runId: string }> {
  const home = await temporaryHome()
  const writer = unwrap(openJournalWriter(join(home, 'journal.db')))
  const newRun = addSampleLibrary(writer)
  const { id: runId } = unwrap(writer.createRun(newRun))
  const adapter = join(home, 'runs', runId, 'adapter')
  mkdirSync(adapter, { recursive: true })
  writeFileSync(join(adapter, 'adapter_model.safetensors'), new Uint8Array(5000))
  unwrap(
    writer.addArtifact({
      runId,
      kind: 'adapter',
      path: `runs/${runId}/adapter`,
      bytes: 5000,
      sha256: 'a'.repeat(64),
    }),
  )
  unwrap(writer.close())
  return { home, runId }
}

test('everything is listed with its real size, largest first', async () => {
  const { home, runId } = await homeWithRuns()
  const { api } = await openWorkstation(home)
  const { id: projectId } = unwrap(
    await api.call('projects.create', { name: 'Mail', scenario: 'classification', withSample: true }),
  ).project
  mkdirSync(join(home, 'cache', 'gguf'))
  writeFileSync(join(home, 'cache', 'gguf', 'copy.gguf'), new Uint8Array(70_000))
  mkdirSync(join(home, 'engines', 'tensorflow'))
  writeFileSync(join(home, 'engines', 'tensorflow', 'part.so'), new Uint8Array(90_000))
  const { items, totalBytes, freeBytes } = unwrap(await api.call('storage.list', {}))
  expect(items.find(({ id }) => id === 'engine/tensorflow')).toMatchObject({
    ...{ name: 'TensorFlow', bytes: 90_000, isRemovable: false },
  })
  expect(items.find(({ id }) => id === `run/${runId}`)).toMatchObject({ bytes: 5000, isRemovable: true })
  expect(items.find(({ id }) => id === 'cache/gguf')).toMatchObject({ bytes: 70_000, isRemovable: true })
  expect(items.find(({ id }) => id === `project/${projectId}`)).toMatchObject({
    name: 'Mail',
    isRemovable: false,
  })
  expect(items.filter(({ kind }) => kind === 'backup')).toMatchObject([{ isRemovable: false }])
  expect(items.map(({ bytes }) => bytes)).toEqual(items.map(({ bytes }) => bytes).sort((a, b) => b - a))
  expect(totalBytes).toBe(items.reduce((sum, { bytes }) => sum + bytes, 0))
  expect(freeBytes).toBeGreaterThan(0)
})

test('a run goes to the bin, the journal keeps it and knows that its files are gone', async () => {
  const { home, runId } = await homeWithRuns()
  const { api, bin } = await openWorkstation(home)
  expect(unwrap(await api.call('storage.remove', { ids: [`run/${runId}`] }))).toEqual({
    removed: 1,
    freedBytes: 5000,
  })
  expect(existsSync(join(home, 'runs', runId))).toBe(false)
  expect(existsSync(join(bin, runId, 'adapter', 'adapter_model.safetensors'))).toBe(true)
  expect(unwrap(await api.call('experiments.list', {})).rows).toMatchObject([{ id: runId }])
})

test.each(['project/../runs', 'model/../../etc', 'backup/none', 'run/'])(
  'an id that names nothing in the list (%s) moves nothing',
  async (id) => {
    const { home } = await homeWithRuns()
    const { api } = await openWorkstation(home)
    const refused = await api.call('storage.remove', { ids: [id] })
    if (refused.ok) throw new Error('expected a Problem')
    expect(refused.problem.code, describeProblem(refused.problem)).toBe('file.missing')
    expect(existsSync(join(home, 'runs'))).toBe(true)
  },
)

test('the newest backup and the project of a list stay, whatever is asked', async () => {
  const { home } = await homeWithRuns()
  const { api } = await openWorkstation(home)
  const { items } = unwrap(await api.call('storage.list', {}))
  const backup = items.find(({ kind }) => kind === 'backup')!
  expect(await api.call('storage.remove', { ids: [backup.id] })).toMatchObject({
    ok: false,
    problem: { remedy: backup.note },
  })
})

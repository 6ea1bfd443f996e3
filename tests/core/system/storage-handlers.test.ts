// What the library keeps, by its real sizes, and how it leaves.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalWriter } from '#journal/writer.ts'
import type { CallInput } from '#shared/contract/index.ts'
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

test('the journal is listed with what a backup took the place of, and both stay', async () => {
  const { home } = await homeWithRuns()
  const { api } = await openWorkstation(home)
  const aside = 'journal.db.before-restore-20250601T080910123Z'
  writeFileSync(join(home, aside), new Uint8Array(3000))
  writeFileSync(join(home, `${aside}-wal`), new Uint8Array(500))
  const { items } = unwrap(await api.call('storage.list', {}))
  const files = items.filter(({ kind }) => kind === 'journal')
  expect(files.map(({ name, isRemovable }) => [name, isRemovable]).sort()).toEqual([
    ['journal.db', false],
    [aside, false],
  ])
  expect(files.find(({ name }) => name === aside)?.bytes).toBe(3500)
  expect(files.find(({ name }) => name === 'journal.db')?.bytes).toBeGreaterThan(3500)
})

test('the newest seven backups stay, and the one made before the journal went back of late', async () => {
  const { home } = await homeWithRuns()
  const { api } = await openWorkstation(home)
  const dayMs = 24 * 3600 * 1000
  const nowMs = Date.now()
  const named = (daysAgo: number) => new Date(nowMs - daysAgo * dayMs).toISOString().replace(/[-:.]/g, '')
  const backup = (daysAgo: number) => `journal-${named(daysAgo)}.db`
  const daysOfBackups = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 41]
  for (const daysAgo of daysOfBackups) writeFileSync(join(home, 'backups', backup(daysAgo)), 'a backup')
  for (const daysAgo of [8.5, 40])
    writeFileSync(join(home, `journal.db.before-restore-${named(daysAgo)}`), '')
  const { items } = unwrap(await api.call('storage.list', {}))
  const staying = (daysAgo: number) => {
    const found = items.find(({ kind, name }) => kind === 'backup' && name === backup(daysAgo))
    return found?.isRemovable === false ? found.note : null
  }
  // With the one that opening made, these are seven.
  const newest = 'The newest 7 backups stay.'
  expect([1, 2, 3, 4, 5, 6].map(staying)).toEqual(Array(6).fill(newest))
  expect(staying(9)).toContain('stays for 30 days as the way back')
  expect([7, 8, 10, 11, 41].map(staying)).toEqual(Array(5).fill(null))
})

test('what was carried out of the journal is listed, goes to the bin, and everybody who shows it hears of that', async () => {
  const { home, runId } = await homeWithRuns()
  const { api, bin, ended } = await openWorkstation(home)
  const wishes: CallInput<'journal.export'>[] = [
    { form: 'jsonl', runIds: null },
    { form: 'bundle', runIds: [runId] },
  ]
  for (const wanted of wishes)
    expect(await ended(unwrap(await api.call('journal.export', wanted)).jobId)).toMatchObject({
      status: 'done',
    })
  const exported = async () =>
    unwrap(await api.call('storage.list', {})).items.filter(({ kind }) => kind === 'export')
  const items = await exported()
  expect(items).toHaveLength(2)
  for (const { bytes, isRemovable, note } of items)
    expect({ isThere: bytes > 500, isRemovable, note }).toMatchObject({
      isThere: true,
      isRemovable: true,
      note: expect.stringMatching(/^Came out of the journal/),
    })
  let told = 0
  api.on('journal.changed', () => {
    told += 1
  })
  unwrap(await api.call('storage.remove', { ids: items.map(({ id }) => id) }))
  expect([await exported(), told]).toEqual([[], 1])
  expect(unwrap(await api.call('journal.exports', {})).exports).toEqual([])
  expect(readdirSync(bin)).toHaveLength(2)
})

// A journal that rotted: the program opens all the same, says what is wrong wherever the journal is needed, and goes on
// with a backup in its place, without being started again.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { createLastingWorkstation } from '#core/workstation/lasting-workstation.ts'
import type { Api } from '#shared/contract/index.ts'
import { ok, unwrap } from '#shared/result.ts'
import { rot } from '../../journal/support/rot.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { otherJournal } from '../archive/other-journal.ts'
import { openWorkstation, temporaryHome } from './open-workstation.ts'

/** Mounts are allowed to root, but not in every container. */
const probe = mkdtempSync(join(tmpdir(), 'tunewright-mount-probe-'))
const canMount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe]).status === 0
if (canMount) execFileSync('umount', [probe])
else console.info('Skipped: a full folder of backups needs root on Linux, to mount a small disk.')
rmSync(probe, { recursive: true, force: true })

const projectNames = async (api: Api): Promise<string[]> =>
  unwrap(await api.call('projects.list', {})).projects.map(({ project }) => project.name)

/** A library with a project that is in its backup and one that came later. */
async function libraryWithBackup(): Promise<string> {
  const { home, api, close } = await openWorkstation()
  unwrap(await api.call('projects.create', { name: 'Kept', scenario: 'classification' }))
  unwrap(await api.call('journal.backup', {}))
  unwrap(await api.call('projects.create', { name: 'Later', scenario: 'classification' }))
  await close()
  return home
}

test('the program opens over a rotten journal, and a backup takes its place while it runs', async () => {
  const home = await libraryWithBackup()
  const journal = join(home, 'journal.db')
  rot(journal)
  const { workstation, api } = await openWorkstation(home)
  expect(workstation.damage?.code).toBe('journal.corrupt')
  const refused = await api.call('projects.list', {})
  expect(refused).toMatchObject({ ok: false, problem: { code: 'journal.corrupt' } })
  expect(refused.ok ? '' : refused.problem.remedy).toContain('Settings, part "Journal"')
  expect(unwrap(await api.call('settings.get', {})).language).toBe('en')
  const state = unwrap(await api.call('journal.get', {}))
  expect(state.damage).not.toBeNull()
  const newest = state.backups.findLast(({ isBeforeUpgrade }) => !isBeforeUpgrade)
  expect(newest).toBeDefined()

  const told: boolean[] = []
  api.on('journal.changed', ({ isDamaged }) => told.push(isDamaged))
  const report = unwrap(await api.call('journal.restore', { name: state.backups[0]!.name }))
  expect(report.keptAs && existsSync(report.keptAs)).toBe(true)
  expect(told).toEqual([false])
  expect(workstation.damage).toBeNull()
  expect(await projectNames(api)).toEqual(['Kept'])
  unwrap(await api.call('projects.create', { name: 'After', scenario: 'classification' }))
  expect((await projectNames(api)).sort()).toEqual(['After', 'Kept'])
}, 60_000)

test('without its journal no model is called damaged: the list is refused for the journal’s reason', async () => {
  const home = await libraryWithBackup()
  unwrap(await importModel(openLibrary(home), writeTinyModel(join(home, 'cache', 'tiny'))))
  rot(join(home, 'journal.db'))
  const { api } = await openWorkstation(home)
  expect(await api.call('models.list', {})).toMatchObject({ problem: { code: 'journal.corrupt' } })
  unwrap(await api.call('journal.restore', {}))
  expect(unwrap(await api.call('models.list', {}))).toMatchObject({ models: [{ runs: 0 }], damaged: [] })
}, 60_000)

test('a journal that rots while it is open goes back too, though it cannot be closed in order', async () => {
  const home = await libraryWithBackup()
  const { api, workstation } = await openWorkstation(home)
  const exchanged: boolean[] = []
  api.on('journal.changed', ({ isExchanged }) => exchanged.push(isExchanged))
  const newest = unwrap(await api.call('journal.get', {})).backups.find(
    ({ isBeforeUpgrade }) => !isBeforeUpgrade,
  )
  const journal = join(home, 'journal.db')
  rmSync(`${journal}-wal`)
  rot(journal)
  const report = unwrap(await api.call('journal.restore', { name: newest?.name }))
  expect(report.keptAs && existsSync(report.keptAs)).toBe(true)
  expect(workstation.damage).toBeNull()
  expect(await projectNames(api)).toEqual(['Kept'])
  expect(exchanged.filter(Boolean)).toEqual([true])
}, 60_000)

test('while a check reads it, or a journal is brought in, it is not exchanged, and the refusal names what is at work', async () => {
  const home = await libraryWithBackup()
  const { api, ended, picked } = await openWorkstation(home)
  const { jobId } = unwrap(await api.call('journal.check', {}))
  expect(await api.call('journal.restore', {})).toMatchObject({
    problem: { code: 'run.active', where: 'Journal', remedy: expect.stringContaining('stop it') },
  })
  await ended(jobId)
  const { path } = otherJournal()
  picked.set('other', path)
  const bringing = unwrap(await api.call('journal.import', { handle: 'other' }))
  expect(await api.call('journal.restore', {})).toMatchObject({
    problem: { code: 'run.active', where: 'Bringing a journal in' },
  })
  await ended(bringing.jobId)
  expect(await projectNames(api)).toHaveLength(4)
  unwrap(await api.call('journal.restore', {}))
}, 60_000)

test('a sound journal too can go back to a backup, and what it was is kept beside it', async () => {
  const home = await libraryWithBackup()
  const { api } = await openWorkstation(home)
  const { backups } = unwrap(await api.call('journal.get', {}))
  const before = backups.find(({ isBeforeUpgrade }) => !isBeforeUpgrade)
  const report = unwrap(await api.call('journal.restore', { name: before?.name }))
  expect(report.keptAs).toMatch(/journal\.db\.before-restore-[0-9TZ]+$/)
  expect(await projectNames(api)).toEqual(['Kept'])
}, 60_000)

test('the oldest backup of all that are kept is gone back to, and stays, though one of now is made first', async () => {
  const home = await libraryWithBackup()
  const { api } = await openWorkstation(home)
  for (let n = 0; n < 9; n++) unwrap(await api.call('journal.backup', {}))
  const ordinary = async () =>
    unwrap(await api.call('journal.get', {})).backups.filter(({ isBeforeUpgrade }) => !isBeforeUpgrade)
  const oldest = (await ordinary()).at(-1)!.name
  const report = unwrap(await api.call('journal.restore', { name: oldest }))
  const after = (await ordinary()).map(({ name }) => name)
  expect(after).toContain(oldest)
  expect(after[0]).toBe(report.backedUpAs)
}, 60_000)

test('a journal that is already damaged goes back without a backup of now, and that is said', async () => {
  const home = await libraryWithBackup()
  rot(join(home, 'journal.db'))
  const { api } = await openWorkstation(home)
  const { backups } = unwrap(await api.call('journal.get', {}))
  expect(unwrap(await api.call('journal.restore', { name: backups[0]!.name })).backedUpAs).toBeNull()
}, 60_000)

test.skipIf(!canMount)(
  'where no backup of now can be made, nothing is put in the journal’s place',
  async () => {
    const home = await libraryWithBackup()
    const { api } = await openWorkstation(home)
    const { backups } = unwrap(await api.call('journal.get', {}))
    const folder = join(home, 'backups')
    const chosen = readFileSync(join(folder, backups[0]!.name))
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${chosen.length + 64 * 1024}`, 'tmpfs', folder])
    try {
      writeFileSync(join(folder, backups[0]!.name), chosen)
      const refused = await api.call('journal.restore', { name: backups[0]!.name })
      expect(refused).toMatchObject({ ok: false, problem: { code: 'journal.backup-failed' } })
      expect((await projectNames(api)).sort()).toEqual(['Kept', 'Later'])
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  },
  60_000,
)

test('a backup that is not there, or is rotten itself, changes nothing', async () => {
  const home = await libraryWithBackup()
  const { api } = await openWorkstation(home)
  const unknown = await api.call('journal.restore', { name: 'journal-20200101T000000000Z.db' })
  expect(unknown).toMatchObject({ ok: false, problem: { code: 'journal.no-backup' } })
  const { backups } = unwrap(await api.call('journal.get', {}))
  rot(join(home, 'backups', backups[0]!.name))
  const rotten = await api.call('journal.restore', { name: backups[0]!.name })
  expect(rotten).toMatchObject({ ok: false, problem: { code: 'journal.no-backup' } })
  expect((await projectNames(api)).sort()).toEqual(['Kept', 'Later'])
}, 60_000)

test('another program’s database is refused as before: no backup mends that', async () => {
  const home = await temporaryHome()
  const other = new Database(join(home, 'journal.db'))
  other.exec('CREATE TABLE shopping (item TEXT)')
  other.close()
  const host = { kind: 'direct' as const, moveToBin: async () => ok(undefined), pickedPath: () => null }
  const refused = createLastingWorkstation({ home, launcher: createNodeLauncher(), host })
  expect(refused).toMatchObject({ ok: false, problem: { code: 'journal.foreign-file' } })
})

test('what another program changed is shown only after a person took it as it is', async () => {
  const home = await libraryWithBackup()
  const db = new Database(join(home, 'journal.db'))
  db.exec("UPDATE projects SET name = 'Renamed by hand' WHERE name = 'Later'")
  db.close()
  const { api } = await openWorkstation(home)
  expect(await api.call('projects.list', {})).toMatchObject({ problem: { code: 'journal.changed' } })
  expect(unwrap(await api.call('journal.get', {}))).toMatchObject({ isAcceptable: true })
  unwrap(await api.call('journal.accept', {}))
  expect((await projectNames(api)).sort()).toEqual(['Kept', 'Renamed by hand'])
  expect(unwrap(await api.call('journal.get', {}))).toMatchObject({ damage: null, isAcceptable: false })
}, 60_000)

test('a program that is closed while the journal is exchanged leaves nothing open (it kept the journal)', async () => {
  const home = await libraryWithBackup()
  const { api, workstation } = await openWorkstation(home)
  const accepting = api.call('journal.accept', {})
  await workstation.close()
  unwrap(await accepting)
  expect(await api.call('journal.accept', {})).toMatchObject({ problem: { code: 'journal.locked' } })
  const again = await openWorkstation(home)
  expect(again.workstation).toMatchObject({ damage: null, notices: [] })
}, 60_000)

test('it is read again as a whole by a process of its own, and when that was is kept', async () => {
  const { api, ended } = await openWorkstation()
  unwrap(await api.call('projects.create', { name: 'Mail', scenario: 'classification' }))
  expect(unwrap(await api.call('journal.get', {})).lastCheck).toBeNull()
  const { jobId } = unwrap(await api.call('journal.check', {}))
  expect(await ended(jobId)).toMatchObject({ kind: 'journal', status: 'done', problem: null })
  const { lastCheck, nextCheckAtMs } = unwrap(await api.call('journal.get', {}))
  expect(lastCheck).toMatchObject({ isSound: true, findings: [] })
  expect(nextCheckAtMs).toBe(lastCheck!.atMs + 30 * 24 * 3600 * 1000)
}, 60_000)

test('another journal is looked into and left as it is, byte for byte', async () => {
  const home = await libraryWithBackup()
  const other = join(home, 'journal.db')
  const before = readFileSync(other)
  const { api, picked } = await openWorkstation()
  picked.set('the stick', other)
  const opened = unwrap(await api.call('journal.open', { handle: 'the stick' }))
  expect(opened).toMatchObject({ path: other, runs: 0, newestRunAtMs: null })
  const facets = await api.call('experiments.facets', { journal: opened.journalId })
  expect(
    unwrap(facets)
      .projects.map(({ name }) => name)
      .sort(),
  ).toEqual(['Kept', 'Later'])
  unwrap(await api.call('journal.close', { journalId: opened.journalId }))
  expect(await api.call('experiments.facets', { journal: opened.journalId })).toMatchObject({
    problem: { code: 'journal.unknown' },
  })
  expect(readFileSync(other).equals(before)).toBe(true)
}, 60_000)

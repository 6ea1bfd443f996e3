// The window's and the browser's core on a disk without one free block: it did not open. Now it opens for reading, says so,
// and refuses whatever would be written with a sentence and a remedy.
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Api } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { otherJournal } from '../archive/other-journal.ts'
import { openWorkstation } from './open-workstation.ts'

vi.setConfig({ testTimeout: 120_000 })

const disk = smallDisk('6m', 'full-disk tests of the workstation')

/** A library of six runs and a search that was at work, as a program that ended left it. */
function libraryOn(name: string): { home: string; runIds: readonly string[]; studyId: string } {
  const { path, runIds, studyId } = otherJournal()
  const home = join(disk.folder, name)
  mkdirSync(home)
  // Where openWorkstation has its bin; it is made before the disk is for reading only.
  mkdirSync(`${home}-bin`)
  copyFileSync(path, join(home, 'journal.db'))
  return { home, runIds, studyId }
}

async function everythingIsShown(api: Api, { runIds, studyId }: ReturnType<typeof libraryOn>): Promise<void> {
  const { rows } = unwrap(await api.call('experiments.list', {}))
  expect(rows.map(({ id }) => id).sort()).toEqual([...runIds].sort())
  const [runId = ''] = runIds
  const { run, train } = unwrap(await api.call('training.get', { runId }))
  expect(run).toMatchObject({ name: 'Run 0', status: 'finished' })
  expect(train).toHaveLength(20)
  expect(unwrap(await api.call('experiments.compare', { runIds: [...runIds] })).lockedRows).toHaveLength(6)
  // Nobody works on it here.
  const notAtItsEnd = expect.stringContaining('The search was not at its end: ')
  expect(unwrap(await api.call('studies.get', { studyId }))).toMatchObject({
    study: { status: 'stopped', stood: 'running' },
    verdict: { sentence: notAtItsEnd },
  })
  const { entries } = unwrap(await api.call('experiments.timeline', { offset: 0, limit: 20 }))
  expect(entries.find(({ kind }) => kind === 'study')?.learned).toContainEqual(notAtItsEnd)
  expect(unwrap(await api.call('projects.list', {})).projects.length).toBeGreaterThan(0)
  expect(unwrap(await api.call('journal.get', {}))).toMatchObject({ runs: 8, damage: null })
  for (const name of ['settings.get', 'queue.list', 'models.list', 'storage.list'] as const)
    unwrap(await api.call(name, {}))
}

describe.skipIf(!disk.canMount)('on a full disk', () => {
  test.each([
    ['full', /^The disk of .+ is full, so Tunewright is open for reading only\. .*Free some space/],
    ['ro', /^Nothing can be written in .+, so Tunewright is open for reading only\. .*you may write/],
  ] as const)('%s: everything is looked at, nothing is written, and it is said', async (how, notice) => {
    const library = libraryOn(how)
    const bytes = readFileSync(join(library.home, 'journal.db'))
    if (how === 'full') disk.fill()
    else disk.remount('ro')
    try {
      const { api, workstation, ended, close } = await openWorkstation(library.home)
      expect(workstation.notices).toEqual([expect.stringMatching(notice)])
      await everythingIsShown(api, library)
      const [runId = ''] = library.runIds
      const refused = await api.call('experiments.edit', { runId, rating: 3 })
      expect(refused).toMatchObject({
        problem: { message: expect.stringContaining('is open for reading only'), where: library.home },
      })
      const { jobId } = unwrap(await api.call('journal.check', {}))
      expect(await ended(jobId)).toMatchObject({ status: 'done', problem: null })
      expect(await api.call('journal.backup', {})).toMatchObject({ ok: false })
      await close()
    } finally {
      if (how === 'full') disk.free()
      else disk.remount('rw')
    }
    expect(readFileSync(join(library.home, 'journal.db'))).toEqual(bytes)
    // Once something can be written again it is an ordinary program.
    const { api, workstation } = await openWorkstation(library.home)
    expect(workstation.notices.join()).not.toContain('for reading only')
    expect(
      unwrap(await api.call('experiments.edit', { runId: library.runIds[0] ?? '', rating: 3 })),
    ).toMatchObject({
      rating: 3,
    })
  })

  test('where there is no room for the copy either, that is said, and nothing stays behind', async () => {
    const { home } = libraryOn('crowded')
    disk.fill()
    vi.stubEnv('TMPDIR', disk.folder)
    try {
      await expect(openWorkstation(home)).rejects.toThrow(
        'There is no space in the temporary folder for the copy',
      )
      expect(readdirSync(disk.folder).filter((name) => name.startsWith('tunewright-'))).toEqual([])
    } finally {
      vi.unstubAllEnvs()
      disk.free()
    }
  })
})

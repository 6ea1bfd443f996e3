// The journal's own files as the list of what is kept shows them: the journal, and those that a backup took the place of. Each
// with its companions (-wal, -shm). None can be removed here: the journal is in use, and the others are the last way back.
import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { StorageItem } from '#shared/contract/index.ts'

const companions = ['', '-wal', '-shm'] as const

export async function journalItems(
  journalPath: string,
): Promise<(StorageItem & { readonly path: string })[]> {
  const folder = dirname(journalPath)
  const own = basename(journalPath)
  const names = (await readdir(folder).catch(() => [] as string[])).filter(
    (name) => name === own || (name.startsWith(`${own}.`) && setAside.test(name)),
  )
  return Promise.all(names.map((name) => itemOf(join(folder, name), name === own)))
}

const setAside = /\.(?:before-restore|damaged)-\d{8}T\d{9}Z$/

async function itemOf(path: string, isJournal: boolean): Promise<StorageItem & { readonly path: string }> {
  const found = await Promise.all(companions.map((suffix) => lstat(path + suffix).catch(() => null)))
  const stats = found.filter((stat) => stat !== null)
  return {
    id: `journal/${basename(path)}`,
    kind: 'journal',
    name: basename(path),
    bytes: stats.reduce((sum, { size }) => sum + size, 0),
    note: isJournal
      ? 'Everything you tried stands in it, so it stays.'
      : 'What stood there before the journal went back to a backup. Delete the file by hand if you need its space.',
    isRemovable: false,
    changedAtMs: Math.round(Math.max(0, ...stats.map(({ mtimeMs }) => mtimeMs))),
    path,
  }
}

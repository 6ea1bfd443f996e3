// Keeps what training put into the cache within its limit: the folders used least recently go first. What a run has open
// stays readable for it where the system allows that, else it stays.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { folderBytes } from '../system/folder-size.ts'
import { frozenFolderName } from './frozen-cache.ts'
import { tokensFolderName } from './token-cache.ts'

/** Removes folders but `keep` until all together leave `roomBytes` below the limit; returns the bytes that are left. */
export async function evictTrainingCaches(
  cacheFolder: string,
  { limitBytes, keep }: { readonly limitBytes: number; readonly keep: ReadonlySet<string> },
): Promise<number> {
  const roots = [frozenFolderName, tokensFolderName].map((name) => join(cacheFolder, name))
  const folders = await Promise.all(
    roots.map(async (root) =>
      (await readdir(root).catch(() => [] as string[])).map((name) => join(root, name)),
    ),
  )
  const found = await Promise.all(
    folders.flat().map(async (folder) => {
      const usedAtMs = await stat(folder).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      )
      return { folder, usedAtMs, bytes: await folderBytes(folder) }
    }),
  )
  let total = found.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { folder, bytes } of found.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (total <= limitBytes) break
    if (keep.has(folder)) continue
    const isGone = await rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false,
    )
    if (isGone) total -= bytes
  }
  return total
}

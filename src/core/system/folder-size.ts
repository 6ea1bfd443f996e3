// Bytes of a folder with everything in it. Links are counted as themselves, never followed.
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** 0 for a folder that is not there; what vanishes while it is counted counts nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const sizes = entries.map((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return folderBytes(path)
    return lstat(path).then(
      ({ size }) => size,
      () => 0,
    )
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

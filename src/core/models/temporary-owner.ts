// Who is writing a folder. A start-up sweep must remove what a dead process left, but not what another Tunewright (a
// terminal beside the desktop application) is writing right now; and two of them must not write into one.
import { lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const ownerFile = 'owner.json'

/** Writing goes on all the time; a process number may by now belong to a stranger. */
const quietMs = 10 * 60_000

/** Marks a folder as written by this process. False where another one that still lives is writing it. */
export async function claimFolder(folder: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      await writeFile(join(folder, ownerFile), JSON.stringify({ pid: process.pid }), { flag: 'wx' })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (await hasLivingOwner(folder)) return false
    await releaseFolder(folder)
  }
  return false
}

export const releaseFolder = (folder: string): Promise<void> => rm(join(folder, ownerFile), { force: true })

/** Whether a process that still lives is writing the folder. Without a mark (just made, just finished) it counts so. */
export async function hasLivingOwner(folder: string): Promise<boolean> {
  try {
    let newestMs = (await lstat(folder)).mtimeMs
    // A file that goes meanwhile is a sign of life, and the folder's own time says so.
    for (const name of await readdir(folder))
      newestMs = Math.max(newestMs, (await lstat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0)
    if (Date.now() - newestMs > quietMs) return false
    const pid = await readOwner(folder)
    return pid === null || isRunning(pid)
  } catch {
    return false
  }
}

async function readOwner(folder: string): Promise<number | null> {
  try {
    const { pid } = JSON.parse(await readFile(join(folder, ownerFile), 'utf8')) as { pid?: unknown }
    return Number.isSafeInteger(pid) && (pid as number) > 0 ? (pid as number) : null
  } catch {
    return null
  }
}

/** Whether there is a process of this number. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

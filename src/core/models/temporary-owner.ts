// Who is writing a temporary folder. A start-up sweep must remove what a dead process left, but not what another
// Tunewright (a terminal beside the desktop application) is writing right now.
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export const ownerFile = 'owner.json'

/** Content of the owner file: this process. */
export const ownerMark = (): string => JSON.stringify({ pid: process.pid })

/** Writing goes on all the time; a process number may by now belong to a stranger. */
const quietMs = 10 * 60_000

/** Whether a process that still lives is writing the folder. An unreadable mark counts as dead. */
export async function hasLivingOwner(folder: string): Promise<boolean> {
  try {
    const { pid } = JSON.parse(await readFile(join(folder, ownerFile), 'utf8')) as { pid?: unknown }
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || !isRunning(pid as number)) return false
    let newestMs = 0
    for (const name of await readdir(folder))
      newestMs = Math.max(newestMs, (await lstat(join(folder, name))).mtimeMs)
    return Date.now() - newestMs < quietMs
  } catch {
    return false
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

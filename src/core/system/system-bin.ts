// The system's bin without a window program: what is moved there can be taken back with the file manager. Where this
// system offers no way, nothing is moved and nothing is deleted.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { fail, ok, type Result } from '#shared/result.ts'

const run = promisify(execFile)

/** Problems: `bin.failed`, and then everything is where it was. */
export async function moveToSystemBin(path: string): Promise<Result<void>> {
  try {
    if (process.platform === 'win32') await recycle(path)
    else if (process.platform === 'darwin')
      renameSync(path, freeName(join(homedir(), '.Trash'), basename(path)))
    else moveToTrashFolder(path)
    return ok(undefined)
  } catch (error) {
    return fail(binProblem(path, error))
  }
}

export const binProblem = (path: string, error: unknown) => ({
  code: 'bin.failed' as const,
  message: 'This could not be moved to the bin of this computer. Nothing was deleted.',
  where: path,
  remedy: 'Close programs that may use it and try again, or delete it yourself with the file manager.',
  details: error instanceof Error ? error.message : String(error),
})

/**
 * Linux: the home trash of the freedesktop.org Trash specification 1.0. The note is written first, as it asks. Across
 * file systems a rename fails, and so does this.
 */
function moveToTrashFolder(path: string): void {
  statSync(path)
  const trash = join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'Trash')
  const files = join(trash, 'files')
  const notes = join(trash, 'info')
  for (const folder of [files, notes]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const target = freeName(files, basename(path))
  const note = join(notes, `${basename(target)}.trashinfo`)
  const date = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
  const place = path.split('/').map(encodeURIComponent).join('/')
  writeFileSync(note, `[Trash Info]\nPath=${place}\nDeletionDate=${date}\n`, { flag: 'wx' })
  try {
    renameSync(path, target)
  } catch (error) {
    rmSync(note)
    throw error
  }
}

/** Never over something that lies there already. */
const freeName = (folder: string, name: string): string => join(folder, `${name} ${randomUUID().slice(0, 8)}`)

/** Windows: the shell's own recycling, by the path as an argument of its own. */
async function recycle(path: string): Promise<void> {
  const kind = statSync(path).isDirectory() ? 'DeleteDirectory' : 'DeleteFile'
  const script = [
    'Add-Type -AssemblyName Microsoft.VisualBasic;',
    `[Microsoft.VisualBasic.FileIO.FileSystem]::${kind}($env:TUNEWRIGHT_BIN_PATH,`,
    "'OnlyErrorDialogs','SendToRecycleBin')",
  ].join(' ')
  await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script], {
    env: { ...process.env, TUNEWRIGHT_BIN_PATH: path },
  })
}

// Where an export is put together: in a folder of its own beside its place, so that it comes there whole, and in one step. The
// place may be a person's own folder, which no start of the program sweeps: the next export to it does.
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type Problem, ProblemError } from '#shared/result.ts'
import { isRunning } from '../models/temporary-owner.ts'
import { asDiskProblem, makeFolder, temporaryPath } from '../system/durable-files.ts'

/** The folder may be another computer's too: of its processes nothing is known here. */
const computer = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
const ours = new RegExp(String.raw`^tunewright-export-${computer}-(\d+)\.tmp-[\da-f-]{36}$`)

/** Makes the folder and its parents where they are missing. Throws a ProblemError (disk.full, disk.failed) where it cannot. */
export async function putTogether<T>(
  exportsFolder: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = temporaryPath(join(exportsFolder, `tunewright-export-${computer}-${process.pid}`))
  try {
    await makeFolder(exportsFolder)
    await sweepEnded(exportsFolder)
    await mkdir(folder, { mode: 0o700 })
    return await work(folder)
  } catch (error) {
    throw named(asDiskProblem(error, exportsFolder), folder, exportsFolder)
  } finally {
    await removed(folder)
  }
}

/**
 * The folder is gone when it is read about, and the journal in it was not one's own: neither says anything to anybody. All
 * that an export writes lies in the folder, so a full disk is that of its place; of a file that failed only the system's
 * own words, which name it as a whole, say whether it lay there.
 */
function named(error: unknown, folder: string, exportsFolder: string): unknown {
  if (!(error instanceof ProblemError)) return error
  const { code, where, details = '' } = error.problem
  if (code === 'disk.full' || code === 'journal.disk-full')
    return new ProblemError(noSpaceThere(exportsFolder, details))
  const isOfFolder = [where, details].some((text) => text.includes(basename(folder)))
  const isOfPlace = code === 'disk.failed' && where === shortOf(exportsFolder)
  return isOfFolder || isOfPlace ? new ProblemError({ ...error.problem, where: exportsFolder }) : error
}

const shortOf = (path: string): string => `${basename(dirname(path))}/${basename(path)}`

const noSpaceThere = (exportsFolder: string, details: string): Problem => ({
  code: 'disk.full',
  message: 'The disk is full, so this could not be carried out. Nothing of it was left there.',
  where: exportsFolder,
  remedy: 'Free some space on this disk, or choose a folder on another disk, and try again.',
  details,
})

/** What processes of this computer left here when they were ended. */
async function sweepEnded(exportsFolder: string): Promise<void> {
  for (const name of await readdir(exportsFolder)) {
    const pid = Number(ours.exec(name)?.[1])
    if (Number.isSafeInteger(pid) && !isRunning(pid)) await removed(join(exportsFolder, name))
  }
}

/** Rubbish that cannot be removed keeps nobody from his export. */
const removed = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})

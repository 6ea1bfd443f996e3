// A file of a person that is only looked into: a journal, or the one inside a run bundle.
import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenedJournal } from '#shared/contract/index.ts'
import { attemptAsync, type Result, unwrap } from '#shared/result.ts'
import { asDiskProblem } from '../system/durable-files.ts'
import type { GivenFile } from './given-file.ts'
import type { OpenedJournals } from './opened-journals.ts'
import { isZip, unpackBundledJournal } from './read-bundle.ts'

/** Problems: file.unsafe of a bundle, those of the disk, and those of a journal that is looked into. */
export async function lookIntoFile(
  file: GivenFile,
  journals: Pick<OpenedJournals, 'open'>,
): Promise<Result<OpenedJournal>> {
  if (!(await isBundle(file.path))) return journals.open(file)
  return attemptAsync(async () => {
    // Swept with the copies that a process which died left behind, by this name.
    const folder = await mkdtemp(join(tmpdir(), `tunewright-looked-into-${process.pid}-`))
    try {
      return unwrap(journals.open({ ...file, unpacked: await unpackBundledJournal(file.path, folder) }))
    } catch (error) {
      throw asDiskProblem(error, folder)
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(() => {})
    }
  })
}

/** What cannot be told is told where it is opened. */
async function isBundle(path: string): Promise<boolean> {
  // A pipe would never end.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  return isZip(path).catch(() => false)
}

// One measurement at a time in a library, whichever program measures: two beside each other would slow each other down, and
// an engine must not be removed from under one.
import { mkdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { ProblemError } from '#shared/result.ts'
import { claimFolder, hasLivingOwner } from '../models/temporary-owner.ts'
import type { Library } from '../system/library.ts'

type Place = Pick<Library, 'cacheFolder'>

const folderOf = ({ cacheFolder }: Place): string => join(cacheFolder, 'measuring')

/** A large model's step can take long; a lock without a sign of life counts as left behind. */
const signOfLifeMs = 60_000

/** Whether this computer is being measured now, by this program or another. */
export const isMeasuring = (library: Place): Promise<boolean> => hasLivingOwner(folderOf(library))

/** Throws ProblemError run.active where somebody measures already. */
export async function whileMeasuring<T>(library: Place, work: () => Promise<T>): Promise<T> {
  const folder = folderOf(library)
  await mkdir(folder, { recursive: true })
  if (!(await claimFolder(folder))) throw new ProblemError(measuredAlready)
  const life = setInterval(() => {
    const now = new Date()
    utimes(folder, now, now).catch(() => {})
  }, signOfLifeMs)
  try {
    return await work()
  } finally {
    clearInterval(life)
    await rm(folder, { recursive: true, force: true })
  }
}

const measuredAlready = {
  code: 'run.active',
  message: 'This computer is being measured already, in another window or terminal.',
  where: 'the measurement',
  remedy: 'Wait until that measurement is done; its figures are for all of them.',
} as const

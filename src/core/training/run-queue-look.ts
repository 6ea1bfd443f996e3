// What the queue looks at before something begins by itself: whether this computer is free for it, and whether its entries
// still mean something. Reads, never changes.
import { statfs } from 'node:fs/promises'
import { isMeasuring } from '../devices/measuring-lock.ts'
import type { Library } from '../system/library.ts'
import type { QueueReader, QueueRecord, StudySource } from './run-queue-port.ts'
import { besideMeasurement, withoutSpace } from './run-queue-words.ts'
import { launchable } from './run-service.ts'

/** A small model's checkpoint and the journal's next pages need about so much. */
const neededDiskBytes = 100_000_000

/** Why nothing should begin by itself now; null where it may. */
export async function holdingReason(library: Pick<Library, 'home' | 'cacheFolder'>): Promise<string | null> {
  if (await isMeasuring(library)) return besideMeasurement
  const disk = await statfs(library.home).catch(() => null)
  return disk !== null && disk.bavail * disk.bsize < neededDiskBytes ? withoutSpace : null
}

/** Entries of what is not there any more, or cannot be begun any more. */
export const staleEntries = (
  records: readonly QueueRecord[],
  reader: Pick<QueueReader, 'getRun'>,
  studies: StudySource | null,
): readonly QueueRecord[] =>
  records.filter(({ kind, id }) => {
    if (kind === 'study') return studies !== null && studies.describe(id) === null
    const run = reader.getRun(id)
    return run.ok ? !launchable.includes(run.value.status) : run.problem.code === 'run.unknown'
  })

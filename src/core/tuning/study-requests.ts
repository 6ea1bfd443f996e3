// How another process asks the one that works on a study to pause or stop it: a small file, as for a run.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Library } from '../system/library.ts'
import { requestOfRun, takeRequest } from '../training/run-requests.ts'

type StudyRequest = 'pause' | 'stop'

const folderOf = ({ cacheFolder }: Pick<Library, 'cacheFolder'>, studyId: string): string =>
  join(cacheFolder, 'study-requests', studyId)

export async function requestOfStudy(library: Library, studyId: string, kind: StudyRequest): Promise<void> {
  const folder = folderOf(library, studyId)
  await mkdir(folder, { recursive: true })
  await requestOfRun(folder, kind === 'stop' ? 'cancel' : 'pause')
}

/** The waiting request, taken; null where there is none. */
export function takeStudyRequest(library: Library, studyId: string): StudyRequest | null {
  const kind = takeRequest(folderOf(library, studyId))
  if (kind === 'cancel') return 'stop'
  return kind === 'pause' ? kind : null
}

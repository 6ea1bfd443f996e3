// How another process asks the one that holds the journal to pause or stop a study: a small file, as for a run. Taken for any
// study of the journal, also one that rests.
import { existsSync, readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Library } from '../system/library.ts'
import { requestOfRun, requestPath, takeRequest } from '../training/run-requests.ts'

export interface StudyRequest {
  readonly studyId: string
  readonly kind: 'pause' | 'stop'
}
type Place = Pick<Library, 'cacheFolder'>

/** Programs that hear look every two seconds; a busy computer gets some more. */
const mostWaitMs = 12_000
const lookEveryMs = 200

const requestsFolder = ({ cacheFolder }: Place): string => join(cacheFolder, 'study-requests')

/** False where no program took it: then nothing is asked any more. */
export async function requestOfStudy(
  library: Place,
  { studyId, kind }: StudyRequest,
  waitMs = mostWaitMs,
): Promise<boolean> {
  const folder = join(requestsFolder(library), studyId)
  await mkdir(folder, { recursive: true })
  await requestOfRun(folder, kind === 'stop' ? 'cancel' : 'pause')
  for (let waitedMs = 0; waitedMs < waitMs; waitedMs += lookEveryMs) {
    await sleep(lookEveryMs)
    if (!existsSync(requestPath(folder))) return true
  }
  return takeRequest(folder) === null
}

/** All that wait, taken. */
export function takeStudyRequests(library: Place): StudyRequest[] {
  const folder = requestsFolder(library)
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((studyId): StudyRequest[] => {
    const kind = takeRequest(join(folder, studyId))
    if (kind === 'cancel') return [{ studyId, kind: 'stop' }]
    return kind === 'pause' ? [{ studyId, kind }] : []
  })
}

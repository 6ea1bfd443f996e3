// The one place where a handle of a page becomes a file: picked in the host's dialog, or sent in pieces and finished.
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'

interface GivenFile {
  readonly path: string
  /** Removes what was sent; a file that was picked stays where it is. */
  done(): Promise<void>
}

/** `file.missing` for a handle that is not known, or whose upload was taken before. */
export function givenFile(
  { host, sent }: Pick<WorkstationContext, 'host' | 'sent'>,
  handle: string,
): Result<GivenFile> {
  const picked = host.pickedPath(handle)
  if (picked !== null) return ok({ path: picked, done: async () => {} })
  const path = sent.take(handle)
  if (path === null) return fail(notGiven(handle))
  return ok({ path, done: () => rm(dirname(path), { recursive: true, force: true }) })
}

const notGiven = (handle: string): Problem => ({
  code: 'file.missing',
  message: 'The file that was picked is not known any more.',
  where: handle,
  remedy: 'Pick it again.',
})

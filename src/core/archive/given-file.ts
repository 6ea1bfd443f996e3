// The one place where a handle of a page becomes a file: picked in the host's dialog, or sent in pieces and finished.
import { rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'

export interface GivenFile {
  readonly path: string
  /** As the person knows it: what was sent lies under its own name in a folder of ours. */
  readonly name: string
  /** A page sent it: its path means nothing to anybody. */
  readonly isSent: boolean
  /** Removes what was sent; a file that was picked stays where it is. */
  done(): Promise<void>
}

/** `file.missing` for a handle that is not known, or whose upload was taken before. */
export function givenFile(
  { host, sent }: Pick<WorkstationContext, 'host' | 'sent'>,
  handle: string,
): Result<GivenFile> {
  const picked = host.pickedPath(handle)
  if (picked !== null)
    return ok({ path: picked, name: basename(picked), isSent: false, done: async () => {} })
  const path = sent.take(handle)
  if (path === null) return fail(notGiven(handle))
  const done = () => rm(dirname(path), { recursive: true, force: true })
  return ok({ path, name: basename(path), isSent: true, done })
}

/** A Problem about the file names it as the person does. */
export function namedFor<T>({ path, name, isSent }: GivenFile, result: Result<T>): Result<T> {
  if (result.ok || !isSent || result.problem.where !== path) return result
  return fail({ ...result.problem, where: name })
}

const notGiven = (handle: string): Problem => ({
  code: 'file.missing',
  message: 'The file that was picked is not known any more.',
  where: handle,
  remedy: 'Pick it again.',
})

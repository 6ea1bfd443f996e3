// How another process asks an active run to stop or pause: a small file in the run's folder. The process that owns the
// run looks for it twice a second and removes it. Works alike on every system, needs no port and no secret.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileDurably } from '../system/durable-files.ts'

export const runRequestKinds = ['cancel', 'pause', 'resume'] as const
export type RunRequest = (typeof runRequestKinds)[number]

const requestFile = z.strictObject({ kind: z.enum(runRequestKinds) })
export const requestPath = (runFolder: string) => join(runFolder, 'request.json')

export async function requestOfRun(runFolder: string, kind: RunRequest): Promise<void> {
  await writeFileDurably(requestPath(runFolder), JSON.stringify({ kind }))
}

/** The waiting request, removed; null where there is none. A file that is no request is removed and ignored. */
export function takeRequest(runFolder: string): RunRequest | null {
  let text: string
  try {
    text = readFileSync(requestPath(runFolder), 'utf8')
  } catch {
    return null
  }
  rmSync(requestPath(runFolder), { force: true })
  try {
    return requestFile.parse(JSON.parse(text)).kind
  } catch {
    return null
  }
}

/** Forgets a request that nobody took: it was meant for an attempt that is over. */
export function dropRequest(runFolder: string): void {
  rmSync(requestPath(runFolder), { force: true })
}

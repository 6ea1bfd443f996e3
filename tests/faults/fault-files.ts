// Real file operations with one fault: counts the operations of node:fs/promises below a folder and makes one of them
// fail, write short, or kills everything from there on (no later operation has any effect, cleaning up neither).
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { resolve, sep } from 'node:path'

export const faultKinds = ['ENOSPC', 'EIO', 'EPERM', 'EMFILE', 'short', 'dead'] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  /** Which operation, counted from 1; 0 for none. */
  readonly at: number
  readonly kind: FaultKind
}

export interface Operation {
  readonly name: string
  readonly path: string
}

const pathOperations = [
  'open',
  'mkdir',
  'rename',
  'rm',
  'readdir',
  'unlink',
  'stat',
  'statfs',
  'readFile',
] as const
const handleOperations = ['write', 'sync', 'close', 'read', 'stat'] as const

/** Runs `work` with the fault below `folder` and returns what was done, in order. Always puts the real functions back. */
export async function withFault<T>(
  folder: string,
  fault: Fault,
  work: () => Promise<T>,
): Promise<{ result: PromiseSettledResult<T>; operations: Operation[] }> {
  const root = resolve(folder)
  const operations: Operation[] = []
  const isWatched = (path: unknown): path is string =>
    typeof path === 'string' && (path === root || path.startsWith(root + sep))

  /** Counts one operation; throws if it is the one to fail. True where it should do half its work. */
  const meet = (name: string, path: string): boolean => {
    operations.push({ name, path })
    const isDead = fault.kind === 'dead' && fault.at > 0 && operations.length >= fault.at
    if (!isDead && operations.length !== fault.at) return false
    if (fault.kind === 'short') return name === 'write'
    const code = fault.kind === 'dead' ? 'EIO' : fault.kind
    throw Object.assign(new Error(`${code}: injected, ${name} '${path}'`), { code, path })
  }

  const real = new Map<string, unknown>()
  const functions = fs as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  for (const name of pathOperations) {
    const original = functions[name]!
    real.set(name, original)
    functions[name] = async (...args) => {
      if (!isWatched(args[0])) return original(...args)
      meet(name, args[0])
      const value = await original(...args)
      return name === 'open' ? watchHandle(value as FileHandle, args[0], meet) : value
    }
  }
  syncBuiltinESMExports()
  try {
    const [result] = await Promise.allSettled([work()])
    return { result: result!, operations }
  } finally {
    for (const [name, original] of real) functions[name] = original as (typeof functions)[string]
    syncBuiltinESMExports()
  }
}

function watchHandle(
  handle: FileHandle,
  path: string,
  meet: (name: string, path: string) => boolean,
): FileHandle {
  const methods = handle as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  for (const name of handleOperations) {
    const original = methods[name]!.bind(handle)
    methods[name] = async (...args) => {
      let isShort = false
      try {
        isShort = meet(name, path)
      } catch (error) {
        // The descriptor goes with the process; here it must not leak into the next case.
        if (name === 'close') await original()
        throw error
      }
      if (!isShort) return original(...args)
      const [buffer, offset, length] = args as [Uint8Array, number, number]
      return original(buffer, offset, Math.max(1, Math.floor(length / 2)))
    }
  }
  return handle
}

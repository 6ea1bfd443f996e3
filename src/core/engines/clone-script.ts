// Scripts of a clone that build what a packed program brings ready made, each in a process of its own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { endGroup, inOwnGroup } from '../system/process-group.ts'
import { programRoot } from '../system/program-places.ts'

/** A clone's own Node, which runs TypeScript; the program itself may run in another. */
const nodeOfClone = join(programRoot, 'node_modules', 'node', 'bin', 'node')

const pathOf = (script: string): string => join(programRoot, 'scripts', script)

/** False in a package, which has neither. */
export const hasCloneScript = (script: string): boolean =>
  existsSync(pathOf(script)) && existsSync(nodeOfClone)

/** null where it ended well, else its last words. Stopped, it ends at once with all that it started. */
export function runCloneScript(
  script: string,
  parameters: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(nodeOfClone, [pathOf(script), ...parameters], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: inOwnGroup,
    })
    const stop = (): void => endGroup(child)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    process.once('exit', stop)
    let words = ''
    const end = (failed: string | null): void => {
      signal.removeEventListener('abort', stop)
      process.off('exit', stop)
      resolve(failed)
    }
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4_000)
    })
    child.once('error', (error) => end(String(error)))
    child.once('close', (code, killedBy) =>
      end(code === 0 ? null : words.trim() || `code ${code}, ${killedBy}`),
    )
  })
}

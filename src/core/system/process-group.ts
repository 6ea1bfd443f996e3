// A child process with everything that it starts: what is called python3 or a build may be a script that starts the real
// program, which must end with it.
import type { ChildProcess } from 'node:child_process'

/** For `spawn`: `detached`. Windows has no groups; there a child ends alone. */
export const inOwnGroup = process.platform !== 'win32'

/** Ends a child that was started with `detached: inOwnGroup`, and all of its own. */
export function endGroup(child: ChildProcess): void {
  try {
    if (inOwnGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    else child.kill('SIGKILL')
  } catch {
    // It ended by itself at the same moment.
  }
}

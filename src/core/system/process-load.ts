// How busy a process is: read from what Linux tells about it; null on systems that do not tell without a native module.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export interface ProcessLoad {
  /** Share of all cores since the last question, 0 to 1; null at the first one and where it is not known. */
  share(): number | null
}

/** Clock ticks a second, as the kernel counts processor time for user space (USER_HZ; 100 on every Linux platform). */
const ticksPerSecond = 100

/** `pidOf` is asked each time: a process started through another one has its number a moment later. */
export function watchProcess(
  pidOf: () => number | undefined,
  now: () => number = () => performance.now(),
): ProcessLoad {
  let last: { ticks: number; atMs: number } | null = null
  return {
    share() {
      const pid = pidOf()
      const ticks = pid === undefined ? null : readTicks(pid)
      const atMs = now()
      const before = last
      last = ticks === null ? null : { ticks, atMs }
      if (ticks === null || before === null || atMs <= before.atMs) return null
      const seconds = (atMs - before.atMs) / 1000
      return Math.min(1, (ticks - before.ticks) / ticksPerSecond / seconds / availableParallelism())
    },
  }
}

/** User and system time of a process (proc(5), fields 14 and 15), all its threads together. */
function readTicks(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return null
  }
}

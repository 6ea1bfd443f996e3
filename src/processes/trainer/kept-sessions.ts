// Compiled graphs that outlive the run which compiled them. A graph is taken again only under the same key, which holds
// everything that it and its options were made of. It knows no model and decides nothing about memory: it is told to make room.
import type { Session } from '#engine/index.ts'

interface Held {
  readonly session: Session
  isInUse: boolean
}

export interface KeptSessions {
  /** The graph under this key, or the one that `compile` makes. Its user says `leave` when it is done. */
  take(key: string, compile: () => Promise<Session>): Promise<{ session: Session; isReused: boolean }>
  /** It stays for the next one, or goes at once. */
  leave(key: string, stays: boolean): Promise<void>
  /** Lets go of what nobody uses and `keys` does not name, the longest unused first, until `isEnough`. */
  makeRoom(keys: ReadonlySet<string>, isEnough: (idle: number) => Promise<boolean>): Promise<void>
  /** Whether there are some that nobody uses. */
  holdsIdle(): boolean
  close(): Promise<void>
}

export function createKeptSessions(): KeptSessions {
  /** In the order of their last use. */
  const held = new Map<string, Held>()

  async function drop(key: string): Promise<void> {
    const one = held.get(key)
    held.delete(key)
    await one?.session.dispose()
  }

  return {
    async take(key, compile) {
      const known = held.get(key)
      // A graph in use is somebody else's: its results live until its next run.
      if (known?.isInUse) throw new Error('a compiled graph is wanted twice at once')
      const session = known?.session ?? (await compile())
      held.delete(key)
      held.set(key, { session, isInUse: true })
      return { session, isReused: known !== undefined }
    },
    async leave(key, stays) {
      const one = held.get(key)
      if (one === undefined) return
      one.isInUse = false
      if (!stays) await drop(key)
    },
    async makeRoom(keys, isEnough) {
      const idle = [...held].filter(([key, { isInUse }]) => !isInUse && !keys.has(key)).map(([key]) => key)
      while (idle.length > 0 && !(await isEnough(idle.length))) await drop(idle.shift()!)
    },
    holdsIdle: () => [...held.values()].some(({ isInUse }) => !isInUse),
    async close() {
      for (const key of [...held.keys()]) await drop(key)
    },
  }
}

// What one page is yet to be told. Events leave at most ten times a second; where a page reads slowly, what is stale is
// dropped: of a job's states only the newest counts, and a run's curve can be asked for again.
import type { ToldEvent } from '#shared/socket-protocol.ts'

const batchMs = 100
/** Above this a page is behind: curves wait no longer. */
const behindBytes = 4 * 1024 * 1024
/** Above these it is lost: it is let go, and asks for everything when it comes back. */
const lostBytes = 32 * 1024 * 1024
const lostEvents = 5_000

export interface OutboxPort {
  send(events: readonly ToldEvent[]): void
  /** Bytes handed over and not yet read by the page. */
  waitingBytes(): number
  giveUp(): void
}

export interface Outbox {
  add(event: string, payload: unknown): void
  close(): void
}

export function createOutbox(port: OutboxPort): Outbox {
  let waiting: ToldEvent[] = []
  let timer: ReturnType<typeof setTimeout> | null = null

  function flush(): void {
    timer = null
    if (port.waitingBytes() > lostBytes || waiting.length > lostEvents) {
      waiting = []
      port.giveUp()
      return
    }
    if (port.waitingBytes() > behindBytes) {
      waiting = waiting.filter(({ event }) => event !== 'training.update')
      timer = setTimeout(flush, batchMs)
      return
    }
    const events = waiting
    waiting = []
    if (events.length > 0) port.send(events)
  }

  return {
    add(event, payload) {
      const key = keyOf(event, payload)
      if (key !== null) waiting = waiting.filter((other) => keyOf(other.event, other.payload) !== key)
      waiting.push({ event, payload })
      timer ??= setTimeout(flush, batchMs)
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      waiting = []
    },
  }
}

/** Events that say how something stands replace the one before; null for those that each count. */
function keyOf(event: string, payload: unknown): string | null {
  if (event === 'job.changed') return `job ${(payload as { id: string }).id}`
  return event === 'activity.changed' || event === 'network.changed' ? event : null
}

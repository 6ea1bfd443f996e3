// The chain of a run's events: each hash covers the one before, so one changed byte breaks every hash that follows.
import { createHash } from 'node:crypto'

/** What comes before a run's first event. */
export const chainStart: Uint8Array = new Uint8Array(32)

export interface ChainedEvent {
  readonly runId: string
  readonly seq: number
  readonly attempt: number
  readonly atMs: number
  readonly kind: string
  /** The body's JSON text exactly as it is stored. */
  readonly bodyText: string
}

/** SHA-256 of the previous hash (32 bytes) followed by the UTF-8 JSON list [run, seq, attempt, time, kind, body text]. */
export function hashEvent(previous: Uint8Array, event: ChainedEvent): Buffer {
  return createHash('sha256')
    .update(previous)
    .update(
      JSON.stringify([event.runId, event.seq, event.attempt, event.atMs, event.kind, event.bodyText]),
      'utf8',
    )
    .digest()
}

/** SHA-256 of a list of texts, unambiguous about where each ends. */
export function hashTexts(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts), 'utf8').digest('hex')
}

// How long a run was at work, by the clock of all its events, each as it was written. What an event says of its own time is
// read only where that counts: after a long silence. Lists ask for it again and again: events that this connection has
// looked at are not read a second time.
import type { Database } from 'better-sqlite3'
import { rowReference } from '#shared/journal-commands.ts'
import { isRecord } from '#shared/json-record.ts'
import { addWork, mostSilentMs, noWork, type WorkEvent, type WorkSoFar } from '#shared/time-at-work.ts'
import { checkInput } from './check-input.ts'
import { readJson } from './read-json.ts'
import { eventsAfter, type Head } from './whole-events.ts'

/** Of one run: its work up to this event. */
interface Known {
  readonly work: WorkSoFar
  readonly head: Head | null
}

const unknown: Known = { work: noWork, head: null }
const knownByConnection = new WeakMap<Database, Map<string, Known>>()
const mostKnown = 1000

/** 0 for a run without events, and for one that the journal does not know. */
export function readTimeAtWork(db: Database, runId: unknown): number {
  const id = checkInput(rowReference, runId, 'run id')
  const known = knownByConnection.get(db) ?? new Map<string, Known>()
  knownByConnection.set(db, known)
  const now = takeNew(db, id, known.get(id) ?? unknown)
  known.delete(id)
  known.set(id, now)
  if (known.size > mostKnown) known.delete(known.keys().next().value as string)
  return Math.round(now.work.totalMs)
}

function takeNew(db: Database, runId: string, { work, head }: Known): Known {
  let newest = head
  let beforeMs = work.last?.atMs ?? Number.POSITIVE_INFINITY
  function* workEvents(): Generator<WorkEvent> {
    for (const { seq, hash, attempt, at_ms: atMs, kind, body } of eventsAfter(db, runId, head)) {
      yield { attempt, atMs, kind, ownMs: atMs - beforeMs > mostSilentMs ? ownTime(body) : null }
      beforeMs = atMs
      newest = { seq, hash }
    }
  }
  const added = addWork(work, workEvents())
  return { work: added, head: newest }
}

function ownTime(body: string): number | null {
  const said = readJson(body)
  return isRecord(said) && typeof said.durationMs === 'number' ? said.durationMs : null
}

// How long a run was at work, from its events in the journal: pauses, a closed program and a computer that slept are left
// out. The same for a run, a trial and a list. Pure.

export interface WorkEvent {
  readonly attempt: number
  readonly atMs: number
  readonly kind: string
  /** What its own clock says that it took; null where it says nothing. */
  readonly ownMs: number | null
}

/** Longer without any event it was asleep, or its own clock knows better. */
export const mostSilentMs = 60_000

/** What the events so far come to; more of them can be added. */
export interface WorkSoFar {
  readonly totalMs: number
  readonly last: WorkEvent | null
}

export const noWork: WorkSoFar = { totalMs: 0, last: null }

/** Over all attempts; `events` in order. */
export const timeAtWork = (events: Iterable<WorkEvent>): number => Math.round(addWork(noWork, events).totalMs)

/** `events`: those behind the last one so far. */
export function addWork({ totalMs, last }: WorkSoFar, events: Iterable<WorkEvent>): WorkSoFar {
  let total = totalMs
  let before = last
  for (const event of events) {
    if (before !== null && before.attempt === event.attempt && before.kind !== 'paused')
      total += workBetween(before, event)
    before = event
  }
  return { totalMs: total, last: before }
}

function workBetween(before: WorkEvent, { atMs, ownMs }: WorkEvent): number {
  const gapMs = Math.max(0, atMs - before.atMs)
  return gapMs > mostSilentMs && ownMs !== null ? Math.min(gapMs, ownMs) : gapMs
}

// How often a trial was tried since it last got on, by its run's events alone. Pure.
import type { JournalEvent } from '#shared/journal-types.ts'

/** Stands in the run's journal where it was begun again after its process died or it failed. */
export const retryNotice =
  'The training process ended before it was done, so the search tries this trial again.'

/**
 * A kill of the program counts for nothing and forgets nothing. An attempt got on where it came further than every one
 * before it, or where a checkpoint did: a trial that dies before its first checkpoint may have got on all the same.
 */
export function triesFromHere(events: readonly JournalEvent[]): number {
  const since = Math.max(1, ...[reachOf, savedOf, begunOf].map((placeOf) => lastToGetOn(events.map(placeOf))))
  const retries = events.filter((event) => event.attempt > since && textOf(event) === retryNotice)
  return 1 + retries.length
}

interface Place {
  readonly attempt: number
  /** Null where the event says nothing of it. */
  readonly at: number | null
}

/** The last attempt that came to a place where none was before it. */
function lastToGetOn(places: readonly Place[]): number {
  let [furthest, since] = [0, 0]
  for (const { attempt, at } of places)
    if (at !== null && at > furthest) {
      furthest = at
      since = attempt
    }
  return since
}

type Body = { readonly step?: unknown; readonly resumedAtStep?: unknown; readonly text?: unknown } | null
const numberOr = (value: unknown): number | null => (typeof value === 'number' ? value : null)
const textOf = ({ kind, body }: JournalEvent): unknown => (kind === 'notice' ? (body as Body)?.text : null)

/** What is measured at a step comes after the step. */
function reachOf({ attempt, kind, body }: JournalEvent): Place {
  const step = numberOr((body as Body)?.step)
  if (kind === 'step') return { attempt, at: step }
  return { attempt, at: kind === 'evaluation' && step !== null ? step + 0.5 : null }
}

const savedOf = ({ attempt, kind, body }: JournalEvent): Place => ({
  attempt,
  at: kind === 'checkpoint' ? numberOr((body as Body)?.step) : null,
})

/** A place that it goes on from is one of its own: the attempt that brought it there had another. */
const begunOf = ({ attempt, kind, body }: JournalEvent): Place => ({
  attempt,
  at: kind === 'plan' ? numberOr((body as Body)?.resumedAtStep) : null,
})

// The life of a run: which status may follow which. A finished run never changes again; everything else can be resumed.
import { activeStatuses, type RunStatus } from '#shared/journal-types.ts'
import { refuse } from './problems.ts'

const next: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  queued: ['running', 'interrupted', 'cancelled', 'failed', 'crashed'],
  running: ['paused', 'interrupted', 'finished', 'cancelled', 'failed', 'crashed'],
  paused: ['running', 'interrupted', 'finished', 'cancelled', 'failed', 'crashed'],
  interrupted: ['running', 'cancelled'],
  cancelled: ['running'],
  failed: ['running', 'cancelled'],
  crashed: ['running', 'cancelled'],
  finished: [],
}

/** Statuses in which nothing is going on: the run has an end time. */
export const isAtRest = (status: RunStatus): boolean => !activeStatuses.includes(status)

export function assertCanFollow(runId: string, from: RunStatus, to: RunStatus): void {
  if (next[from].includes(to)) return
  refuse(
    'journal.transition',
    `A run that is ${from} cannot become ${to}.`,
    `run ${runId}`,
    next[from].length === 0 ? 'Start a new run.' : `Possible now: ${next[from].join(', ')}.`,
  )
}

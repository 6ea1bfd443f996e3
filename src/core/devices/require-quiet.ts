// Whether this computer can be measured at this moment: beside a run both would be slow, and the figure wrong for months.
import { everyRun } from '#shared/journal-commands.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'

/**
 * Throws ProblemError run.active while a run computes, in this program or another. One that is paused computes nothing, and
 * what waits in the queue does not begin by itself beside a measurement.
 */
export function requireQuiet({ reader }: Pick<WorkstationContext, 'reader'>): void {
  const { runs } = unwrap(reader.listRuns({ ...everyRun, statuses: ['running'] }))
  const [run] = runs
  if (run === undefined) return
  throw new ProblemError({
    code: 'run.active',
    message: `The run “${run.name}” is under way: measured beside it, this computer would look slower than it is.`,
    where: 'the measurement',
    remedy: 'Wait until the run is done, or pause or stop it; then measure.',
  })
}

/** Whether one computed since then: a measurement beside it does not count. */
export const hasComputedSince = ({ reader }: Pick<WorkstationContext, 'reader'>, sinceMs: number): boolean =>
  unwrap(reader.hasRunSince(sinceMs))

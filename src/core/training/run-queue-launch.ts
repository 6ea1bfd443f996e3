// Launches a run that was given a turn. Where the launch fails the run waits on if it may succeed later, and else is given up.
import type { Emit } from '#shared/contract/index.ts'
import { ok, type Problem, type Result } from '#shared/result.ts'
import type { LiveRuns } from './live-runs.ts'
import type { QueueWriter, Turn } from './run-queue-port.ts'

/** With these a launch is tried again at the next look. */
const spaceProblems: readonly Problem['code'][] = ['journal.disk-full', 'disk.full']

export type Launched = Result<Record<string, never>>

interface LaunchPorts {
  readonly writer: Pick<QueueWriter, 'dequeue' | 'failRun'>
  readonly runs: Pick<LiveRuns, 'launch' | 'ended'>
  readonly emit: Emit
  /** Looks at what waits. */
  readonly settleSoon: () => void
  readonly onLackOfSpace: () => void
}

/** `again` puts it back to what waits. */
type Launch = (runId: string, turn: Turn, again: () => void) => Promise<Launched>

export function launcherOf({ writer, runs, emit, settleSoon, onLackOfSpace }: LaunchPorts): Launch {
  /** Nobody may be there to be told. A run that had ended before stays as it was: the journal refuses. */
  function giveUp(runId: string, problem: Problem): void {
    writer.dequeue('run', runId)
    writer.failRun(runId, { status: 'failed', problem })
    emit('experiments.changed', { runId })
  }

  return async (runId, turn, again) => {
    const launched = await runs.launch(runId, turn.card)
    if (launched.ok) {
      writer.dequeue('run', runId)
      void runs.ended(runId).then(turn.release)
      settleSoon()
      return launched
    }
    const { problem } = launched
    const waitsForSpace = spaceProblems.includes(problem.code)
    if (waitsForSpace) {
      onLackOfSpace()
      again()
    } else giveUp(runId, problem)
    turn.release()
    return waitsForSpace ? ok({}) : launched
  }
}

// One trial from its turn to its end: its run is launched, gone on with after a pause, a kill or a full disk, and its end
// written. Nothing about it is kept outside of the journal.
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import type { StudyTrial } from '#shared/study.ts'
import { removeCheckpoints } from '../training/checkpoints.ts'
import type { Turn } from '../training/run-queue-port.ts'
import { spaceSentence } from '../training/training-problems.ts'
import type { WarmTrainer } from '../training/warm-trainer.ts'
import { isSpaceProblem, pause, persist, tryAgainMs } from './persist.ts'
import type { Halt } from './study-halt.ts'
import type { StudyPorts } from './study-ports.ts'
import { trialState } from './trial-end.ts'
import { retryNotice } from './trial-tries.ts'

export interface TrialWorkPorts extends StudyPorts {
  readonly halt: Halt
  readonly warm: WarmTrainer | null
  /** Why this trial waits; null when it no longer does. */
  readonly say: (reason: string | null) => void
}

/** How often a run at work is looked at. */
const lookEveryMs = 2_000

/** `ended`: its end stands in the journal. `rests`: it is to go on later. Throws ProblemError where it cannot be. */
export async function runTrial(
  ports: TrialWorkPorts,
  trial: StudyTrial,
  turn: Pick<Turn, 'card'>,
): Promise<'ended' | 'rests'> {
  const { reader, writer, halt, clock, say } = ports
  const persistPorts = { clock, say, isGivenUp: () => halt.reason !== null }
  let isOurStop = true
  for (;;) {
    const state = trialState(reader, trial, isOurStop)
    if (state.kind === 'ended') {
      const written = await persist(persistPorts, () => writer.endTrial(state.end))
      if (written === null) return 'rests'
      unwrap(written)
      await dropCheckpoints(ports, trial)
      return 'ended'
    }
    if (halt.reason !== null) return 'rests'
    if (state.kind === 'no-space') await waitForSpace(ports, state.problem)
    if (halt.reason !== null) return 'rests'
    const launched = await launch(ports, trial, turn, state.kind === 'go-on' && state.isRetry)
    if (launched === null) continue
    isOurStop = await launched
  }
}

async function waitForSpace({ clock, say }: TrialWorkPorts, problem: Problem): Promise<void> {
  say(spaceSentence(problem))
  await pause(clock, tryAgainMs)
  say(null)
}

/** Resolves at the run's end: whether it was this study that stopped it. Null where it could not begin yet. */
async function launch(
  ports: TrialWorkPorts,
  { runId, rungs }: StudyTrial,
  { card }: Pick<Turn, 'card'>,
  isRetry: boolean,
): Promise<Promise<boolean> | null> {
  const { runs, halt, warm } = ports
  if (runId === null) return null
  const launched = await runs.launch(runId, card, {
    ...(rungs.length > 0 && { pruneAt: rungs }),
    ...(isRetry && { notice: retryNotice }),
    ...(warm && { warmTrainer: warm.launcher }),
  })
  if (!launched.ok) {
    if (!isSpaceProblem(launched.problem)) throw new ProblemError(launched.problem)
    await waitForSpace(ports, launched.problem)
    return null
  }
  let isStopped = false
  const release = halt.onHalt(() => {
    isStopped = true
    runs.stop(runId)
  })
  const unwatch = watchSpace(ports, runId)
  return runs.ended(runId).then(() => {
    release()
    unwatch()
    return isStopped
  })
}

/** A run that waits for space on the disk is asked to go on again and again. */
function watchSpace({ runs, reader, clock, say }: TrialWorkPorts, runId: string): () => void {
  let isWaiting = false
  let askedAtMs = 0
  let stop = (): void => {}
  const look = (): void => {
    const isPaused = runs.stateOf(runId)?.status === 'paused'
    const problem = isPaused ? pausedBy(reader, runId) : null
    if (isPaused) say(problem === null ? pausedByHand : spaceSentence(problem))
    else if (isWaiting) say(null)
    if (isPaused && !isWaiting) askedAtMs = clock.nowMs()
    if (problem !== null && clock.nowMs() - askedAtMs >= tryAgainMs) {
      askedAtMs = clock.nowMs()
      runs.resume(runId)
    }
    isWaiting = isPaused
    stop = clock.timer(lookEveryMs, look)
  }
  stop = clock.timer(lookEveryMs, look)
  return () => {
    stop()
    if (isWaiting) say(null)
  }
}

const pausedByHand = 'Its trial is paused by hand: go on with it on its own screen.'

function pausedBy(reader: StudyPorts['reader'], runId: string): Problem | null {
  const found = reader.eventsOfKind(runId, 'paused', 100)
  const body = found.ok ? found.value.at(-1)?.body : null
  const problem = (body as { problem?: Problem | null } | null | undefined)?.problem
  return problem ?? null
}

/** Nobody goes on with a trial that ended, and the checkpoints of many take much room. */
export async function dropCheckpoints(
  { runFolderOf }: Pick<StudyPorts, 'runFolderOf'>,
  { runId }: StudyTrial,
): Promise<void> {
  if (runId !== null) await removeCheckpoints(runFolderOf(runId))
}

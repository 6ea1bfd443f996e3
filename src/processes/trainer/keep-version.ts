// The end of a run: the version that is kept is written where the application looks for it. A run that was stopped has the
// best that it measured.
import { keptParameters, type TrainState } from '#engine/train/state.ts'
import type { Result } from '#shared/result.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
import type { PausePorts } from './control.ts'

type Events<T> = AsyncGenerator<TrainerEvent, T>
type Write = (parameters: Float32Array) => Promise<Result<string>>

/**
 * A stopped run leaves the best version that it measured, ready for use; it can still be gone on with. Null where nothing
 * was measured after a first step, or where the disk does not take it: stopping does not wait for the disk.
 */
export async function* keepBest({ best }: TrainState, write: Write): Events<string | null> {
  if (best === null || best.step === 0) return null
  yield { kind: 'phase', phase: 'finishing', detail: `writing the version of step ${best.step}` }
  const written = await write(best.parameters)
  if (written.ok) return written.value
  const { message } = written.problem
  yield { kind: 'notice', text: `The version of step ${best.step} could not be written out: ${message}` }
  return null
}

/**
 * Writes what was trained; a full disk pauses here too. The last checkpoint says that training is over, so a run that dies
 * or is cancelled here only has that to write when it is resumed. Null where it was cancelled.
 */
export async function* finish(host: PausePorts, state: TrainState, write: Write): Events<string | null> {
  for (;;) {
    yield { kind: 'phase', phase: 'finishing', detail: 'writing the trained version' }
    const written = await write(keptParameters(state))
    if (written.ok) return written.value
    host.holdYourself()
    yield { kind: 'paused', step: state.step, problem: written.problem }
    if ((await host.waitWhilePaused()) === 'cancel') return null
    yield { kind: 'resumed', step: state.step }
  }
}

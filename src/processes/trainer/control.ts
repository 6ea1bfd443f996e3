// What the main thread wants of the numerics thread, and how far the journal holds the run: two shared words. The numerics
// reads them between micro-batches even though a run of the graph blocks its event loop.
import { setTimeout as delay } from 'node:timers/promises'
import type { TrainingPorts } from '#engine/train/ports.ts'
import type { TrainerCommand } from '#shared/trainer-protocol.ts'

const goOn = 0
const pause = 1
const cancel = 2

const pollMs = 50

export type Control = Int32Array<SharedArrayBuffer>

export const createControl = (): Control => new Int32Array(new SharedArrayBuffer(8))

/** Pause and resume never undo a cancel. */
export function steer(control: Control, command: 'pause' | 'resume' | 'cancel'): void {
  if (command === 'pause') Atomics.compareExchange(control, 0, goOn, pause)
  else if (command === 'resume') Atomics.compareExchange(control, 0, pause, goOn)
  else Atomics.store(control, 0, cancel)
}

/** Does what a run under way is told. */
export function obey(control: Control, command: Exclude<TrainerCommand, { kind: 'start' }>): void {
  if (command.kind === 'journaled') Atomics.store(control, 1, command.step)
  else steer(control, command.kind)
}

export type PausePorts = Pick<TrainingPorts, 'nextCommand' | 'holdYourself' | 'waitWhilePaused'>

/** The numerics thread's side, as the training loop's ports want it. */
export function obeyControl(control: Control): PausePorts & { readonly journaledStep: () => number } {
  return {
    journaledStep: () => Atomics.load(control, 1),
    nextCommand: async () => {
      const word = Atomics.load(control, 0)
      return word === cancel ? 'cancel' : word === pause ? 'pause' : 'continue'
    },
    holdYourself: () => steer(control, 'pause'),
    async waitWhilePaused() {
      while (Atomics.load(control, 0) === pause) await delay(pollMs)
      return Atomics.load(control, 0) === cancel ? 'cancel' : 'resume'
    },
  }
}

// What the main thread wants of the numerics thread: one shared word. The numerics reads it between micro-batches even
// though a run of the graph blocks its event loop.
import { setTimeout as delay } from 'node:timers/promises'
import type { TrainingPorts } from '#engine/train/ports.ts'

const goOn = 0
const pause = 1
const cancel = 2

const pollMs = 50

export type Control = Int32Array<SharedArrayBuffer>

export const createControl = (): Control => new Int32Array(new SharedArrayBuffer(4))

/** Pause and resume never undo a cancel. */
export function steer(control: Control, command: 'pause' | 'resume' | 'cancel'): void {
  if (command === 'pause') Atomics.compareExchange(control, 0, goOn, pause)
  else if (command === 'resume') Atomics.compareExchange(control, 0, pause, goOn)
  else Atomics.store(control, 0, cancel)
}

export type PausePorts = Pick<TrainingPorts, 'nextCommand' | 'holdYourself' | 'waitWhilePaused'>

/** The numerics thread's side, as the training loop's ports want it. */
export function obeyControl(control: Control): PausePorts {
  return {
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

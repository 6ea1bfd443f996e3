// What the two threads of the trainer say to each other. Commands go the other way through control.ts.
import type { DeviceId } from '#shared/devices.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'

/** A job for the numerics thread: the first one comes with the thread, others by message. */
export interface ThreadData {
  readonly job: TrainerJob
  readonly control: SharedArrayBuffer
}

export type ThreadMessage =
  | { readonly kind: 'event'; readonly event: TrainerEvent }
  /** Sent before each micro-batch: the thread lives. */
  | { readonly kind: 'beat' }

/** What this attempt is computed on. */
export const deviceOf = ({ device, recipe }: Pick<TrainerJob, 'device' | 'recipe'>): DeviceId =>
  device ?? recipe.device

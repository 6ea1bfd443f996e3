// What sums gradients and moves parameters: host-updater.ts over flat buffers here, device-updater.ts where graphs are
// computed.
import type { Tensor } from '../backend-port.ts'
import type { StepNumbers } from '../optim/optimizer-rule.ts'

export interface Updater {
  /** Trained weights that the training graph is fed. */
  readonly feeds: ReadonlyMap<string, Tensor>
  /** Begins a step: sums are zero. */
  begin(): Promise<void>
  /** Adds the gradients that a run of the training graph gave. */
  add(outputs: ReadonlyMap<string, Tensor>): void
  /** L2 norm of the sums. */
  gradientNorm(): Promise<number>
  /** One update; `state.parameters` and `state.memory` may lag behind it until `bringBack`. */
  update(numbers: StepNumbers): Promise<void>
  /** Makes `state.parameters` and `state.memory` what was trained. Must come before anyone else reads or changes them. */
  bringBack(): Promise<void>
}

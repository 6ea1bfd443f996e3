// What sums gradients and moves parameters: here over flat buffers of the host. device-updater.ts is the other one.
import { gradientOutputName } from '../autodiff/differentiate.ts'
import type { Tensor } from '../backend-port.ts'
import { globalNorm } from '../optim/clip.ts'
import { createOptimizer } from '../optim/optimizer.ts'
import type { StepNumbers, TensorPlace } from '../optim/optimizer-rule.ts'
import { createDeviceUpdater } from './device-updater.ts'
import type { TrainingPorts, TrainingSetup } from './ports.ts'
import { type TrainState, viewsOf } from './state.ts'

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

export const createUpdater = (
  setup: TrainingSetup,
  state: TrainState,
  { onDevice }: Pick<TrainingPorts, 'onDevice'>,
): Updater =>
  onDevice ? createDeviceUpdater(setup.layout, state, onDevice) : createHostUpdater(setup, state)

function createHostUpdater({ recipe, layout, rates }: TrainingSetup, state: TrainState): Updater {
  const gradients = new Float32Array(layout.length)
  const optimizer = createOptimizer(recipe.optimizer, layout.entries, { ...state, gradients }, rates)
  return {
    feeds: viewsOf(layout, state.parameters),
    async begin() {
      gradients.fill(0)
    },
    add(outputs) {
      for (const place of layout.entries)
        addGradient(gradients, outputs.get(gradientOutputName(place.name)), place)
    },
    gradientNorm: async () => globalNorm(gradients),
    async update(numbers) {
      optimizer.step(numbers)
    },
    async bringBack() {},
  }
}

function addGradient(
  sum: Float32Array,
  gradient: Tensor | undefined,
  { name, offset, length }: TensorPlace,
): void {
  const data = gradient?.data
  if (!(data instanceof Float32Array) || data.length !== length)
    throw new Error(`the graph returned no gradient of ${length} entries for ${name}`)
  for (let i = 0; i < length; i += 1) sum[offset + i] = sum[offset + i]! + data[i]!
}

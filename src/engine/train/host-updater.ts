// Gradients summed and parameters moved here, over flat buffers: by every optimizer.
import { gradientOutputName } from '../autodiff/differentiate.ts'
import type { Tensor } from '../backend-port.ts'
import { globalNorm } from '../optim/clip.ts'
import { createOptimizer } from '../optim/optimizer.ts'
import type { TensorPlace } from '../optim/optimizer-rule.ts'
import type { TrainingSetup } from './ports.ts'
import { type TrainState, viewsOf } from './state.ts'
import type { Updater } from './updater.ts'

export function createHostUpdater(
  {
    recipe,
    layout,
    rates,
  }: Pick<TrainingSetup, 'layout' | 'rates'> & {
    readonly recipe: Pick<TrainingSetup['recipe'], 'optimizer'>
  },
  state: TrainState,
): Updater {
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

// Training where the graph is computed, for the reference backend: the host's own optimizer over buffers of the session.
import { gradientOutputName } from '../autodiff/differentiate.ts'
import type { ResidentOptimizer, ResidentTraining, Tensor, TrainedTensor } from '../backend-port.ts'
import type { Value } from '../ir/types.ts'
import { globalNorm } from '../optim/clip.ts'
import { blankMemory, createOptimizer } from '../optim/optimizer.ts'
import { trainedTensors } from '../train/device-updater.ts'
import { layoutOf, viewsOf } from '../train/state.ts'

export interface HeldTraining extends ResidentTraining {
  readonly feeds: ReadonlyMap<string, Tensor>
  /** Adds what the outputs hold of gradients, and returns the others. */
  add(outputs: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor>
}

export function holdTraining(
  trainable: readonly Value[],
  { settings, rates }: ResidentOptimizer,
): HeldTraining {
  const layout = layoutOf(trainable.map(({ name, shape }) => ({ name, shape: shape.map(Number) })))
  const parameters = new Float32Array(layout.length)
  const gradients = new Float32Array(layout.length)
  const memory = blankMemory('adamw', layout.entries)
  const factors = layout.entries.map(({ name }) => rates.get(name) ?? 1)
  const optimizer = createOptimizer(settings, layout.entries, { parameters, gradients, memory }, factors)
  const sums = viewsOf(layout, gradients)
  const held = new Map(trainedTensors(layout, { parameters, memory }).map((each) => [each.name, each]))
  return {
    feeds: viewsOf(layout, parameters),
    add(outputs) {
      const rest = new Map(outputs)
      for (const [name, { data: sum }] of sums) {
        const { data } = outputs.get(gradientOutputName(name))!
        for (let i = 0; i < sum.length; i += 1) sum[i] = Number(sum[i]) + Number(data[i])
        rest.delete(gradientOutputName(name))
      }
      return rest
    },
    async load(tensors) {
      for (const tensor of tensors) copy(tensor, held.get(tensor.name)!)
      gradients.fill(0)
    },
    gradientNorm: async () => globalNorm(gradients),
    async update(numbers) {
      optimizer.step(numbers)
      gradients.fill(0)
    },
    async read(tensors) {
      for (const tensor of tensors) copy(held.get(tensor.name)!, tensor)
    },
  }
}

function copy(from: TrainedTensor, to: TrainedTensor): void {
  to.parameters.set(from.parameters)
  to.first.set(from.first)
  to.second.set(from.second)
}

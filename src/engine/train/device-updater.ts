// Gradients summed and parameters moved where the graphs are computed. The state of the host lags behind until it is asked
// for: before measurements, checkpoints and ends.
import type { ResidentTraining, TrainedTensor } from '../backend-port.ts'
import type { ParameterLayout, TrainState } from './state.ts'
import type { Updater } from './updater.ts'

export function createDeviceUpdater(
  layout: ParameterLayout,
  state: TrainState,
  training: ResidentTraining,
): Updater {
  const tensors = trainedTensors(layout, state)
  let device: 'empty' | 'as the host' | 'ahead' = 'empty'
  return {
    feeds: new Map(),
    // Sums are zero behind `load` and `update`, and whoever breaks off a step ends the run.
    async begin() {
      if (device !== 'empty') return
      await training.load(tensors)
      device = 'as the host'
    },
    add() {},
    gradientNorm: () => training.gradientNorm(),
    async update(numbers) {
      device = 'ahead'
      await training.update(numbers)
    },
    async bringBack() {
      if (device !== 'ahead') return
      await training.read(tensors)
      device = 'as the host'
    },
  }
}

/** Views on a state's parameters and AdamW's memory of them. */
export function trainedTensors(
  { entries }: ParameterLayout,
  { parameters, memory }: Pick<TrainState, 'parameters' | 'memory'>,
): readonly TrainedTensor[] {
  return entries.map(({ name, offset, length }) => ({
    name,
    parameters: parameters.subarray(offset, offset + length),
    first: moment(memory, `first.${name}`),
    second: moment(memory, `second.${name}`),
  }))
}

function moment(memory: TrainState['memory'], name: string): Float32Array {
  const data = memory.get(name)?.data
  if (data instanceof Float32Array) return data
  throw new Error(`the memory of the optimizer has no ${name}`)
}

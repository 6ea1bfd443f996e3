// What a session trains itself, seen from outside: numbers go to the flat variables and come back from them. Knows no
// runtime: `compute` runs a part of the graph.
import type { ResidentTraining, Tensor, TrainedTensor } from '#engine/backend-port.ts'
import { adamwFactors } from '#engine/optim/adamw.ts'
import type { OptimizerSettings } from '#engine/optim/optimizer-rule.ts'
import type { GraphPart } from './graph-parts.ts'
import { fedNames, type LoweredTraining } from './trained-parts.ts'
import type { TrainedGroup } from './trained-variables.ts'

const slots = ['parameters', 'first', 'second'] as const

/** Runs a part and gives each result, a float32 array that is valid until it returns, to `use`. */
type Compute = (
  part: GraphPart,
  feeds: ReadonlyMap<string, Tensor>,
  use: (data: Float32Array, index: number) => void,
) => Promise<void>

export function createResidentTraining(
  { groups, portions, squares, update }: LoweredTraining,
  settings: OptimizerSettings,
  compute: Compute,
): ResidentTraining {
  const none: ReadonlyMap<string, Tensor> = new Map()
  return {
    async load(tensors) {
      const byName = mapByName(tensors)
      for (const portion of portions) {
        const feeds = new Map<string, Tensor>()
        for (const index of portion.groups)
          for (const slot of slots)
            feeds.set(fedNames.load(index, slot), vector(joined(groups[index]!, byName, slot)))
        await compute(portion.load, feeds, () => {})
      }
    },
    async gradientNorm() {
      let sum = 0
      await compute(squares, none, (halves) => {
        for (const half of halves) sum += 2 * half
      })
      return Math.sqrt(sum)
    },
    async update(numbers) {
      const feeds = new Map<string, Tensor>([[fedNames.gradScale, scalar(numbers.gradScale)]])
      for (const rate of new Set(groups.map((group) => group.rate))) {
        const learningRate = numbers.learningRate * rate
        const { keep, stepSize, rootCorrection } = adamwFactors(settings, { ...numbers, learningRate })
        feeds.set(fedNames.rootCorrection, scalar(rootCorrection))
        feeds.set(fedNames.decay(rate), scalar(1 - keep))
        feeds.set(fedNames.stepSize(rate), scalar(stepSize))
      }
      await compute(update, feeds, () => {})
    },
    async read(tensors) {
      const byName = mapByName(tensors)
      for (const portion of portions)
        await compute(portion.read, none, (data, index) => {
          const group = groups[portion.groups[Math.floor(index / slots.length)]!]!
          for (const { name, offset, length } of group.places)
            byName.get(name)![slots[index % slots.length]!].set(data.subarray(offset, offset + length))
        })
    },
  }
}

const mapByName = (tensors: readonly TrainedTensor[]): ReadonlyMap<string, TrainedTensor> =>
  new Map(tensors.map((tensor) => [tensor.name, tensor]))

/** As the group's variable has them: the tensors at their offsets, zeros between. */
function joined(
  { places, length }: TrainedGroup,
  tensors: ReadonlyMap<string, TrainedTensor>,
  slot: (typeof slots)[number],
): Float32Array {
  const flat = new Float32Array(length)
  for (const { name, offset } of places) flat.set(tensors.get(name)![slot], offset)
  return flat
}

const vector = (data: Float32Array): Tensor => ({ dtype: 'float32', shape: [data.length], data })

const scalar = (value: number): Tensor => ({ dtype: 'float32', shape: [], data: Float32Array.of(value) })

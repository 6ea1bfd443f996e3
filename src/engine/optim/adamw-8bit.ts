// AdamW whose moments are kept in 8 bits (Dettmers et al. 2022), as bitsandbytes' AdamW8bit: dynamic codes in blocks of
// 256, each with its largest magnitude in float32; parameters and all sums stay as they are in AdamW.
import { adamw, adamwFactors } from './adamw.ts'
import { createDynamicMap, type DynamicMap } from './dynamic-map.ts'
import type { BoundTensor, OptimizerRule, OptimizerSettings, StepNumbers } from './optimizer-rule.ts'
import { sizeOf } from './optimizer-rule.ts'

const blockLength = 256
/** Smaller tensors (norms, biases) keep float32 moments: bitsandbytes' min_8bit_size. They weigh nothing. */
const leastLength = 4096

/** Buffers of one block, shared by all tensors. */
interface Workshop {
  readonly signed: DynamicMap
  readonly unsigned: DynamicMap
  readonly first: Float32Array
  readonly second: Float32Array
}

export const adamw8bit: OptimizerRule = {
  slots(shape) {
    const length = sizeOf(shape)
    if (length < leastLength) return adamw.slots(shape)
    const blocks = [Math.ceil(length / blockLength)]
    return [
      { name: 'first.codes', dtype: 'uint8', shape },
      { name: 'first.scales', dtype: 'float32', shape: blocks },
      { name: 'second.codes', dtype: 'uint8', shape },
      { name: 'second.scales', dtype: 'float32', shape: blocks },
    ]
  },
  prepare(settings) {
    const bindSmall = adamw.prepare(settings)
    const workshop = {
      signed: createDynamicMap(true),
      unsigned: createDynamicMap(false),
      first: new Float32Array(blockLength),
      second: new Float32Array(blockLength),
    }
    return (tensor) =>
      tensor.parameters.length < leastLength ? bindSmall(tensor) : bindLarge(tensor, settings, workshop)
  },
}

function bindLarge(tensor: BoundTensor, settings: OptimizerSettings, workshop: Workshop) {
  const { parameters, gradients } = tensor
  const buffers = {
    parameters,
    gradients,
    firstCodes: tensor.bytes('first.codes'),
    firstScales: tensor.floats('first.scales'),
    secondCodes: tensor.bytes('second.codes'),
    secondScales: tensor.floats('second.scales'),
  }
  return (numbers: StepNumbers) => adamw8bitUpdate(buffers, settings, numbers, workshop)
}

type Buffers = Readonly<
  Record<'parameters' | 'gradients' | 'firstScales' | 'secondScales', Float32Array> &
    Record<'firstCodes' | 'secondCodes', Uint8Array>
>

/** Block by block: moments out of their codes, AdamW with them as they are, and back into codes of the nearest values. */
function adamw8bitUpdate(
  buffers: Buffers,
  settings: OptimizerSettings,
  numbers: StepNumbers,
  { signed, unsigned, first, second }: Workshop,
): void {
  const { parameters, gradients, firstCodes, firstScales, secondCodes, secondScales } = buffers
  const { beta1, beta2, epsilon } = settings
  const { gradScale } = numbers
  const { keep, stepSize, rootCorrection } = adamwFactors(settings, numbers)
  const firstValues = signed.values
  const secondValues = unsigned.values
  for (let block = 0; block < firstScales.length; block += 1) {
    const start = block * blockLength
    const count = Math.min(blockLength, parameters.length - start)
    const firstFactor = beta1 * firstScales[block]!
    const secondFactor = beta2 * secondScales[block]!
    let firstLargest = 0
    let secondLargest = 0
    for (let i = 0; i < count; i += 1) {
      const place = start + i
      const gradient = gradients[place]! * gradScale
      const m = firstFactor * firstValues[firstCodes[place]!]! + (1 - beta1) * gradient
      const v = secondFactor * secondValues[secondCodes[place]!]! + (1 - beta2) * gradient * gradient
      first[i] = m
      second[i] = v
      firstLargest = Math.max(firstLargest, Math.abs(m))
      secondLargest = Math.max(secondLargest, v)
      parameters[place] =
        parameters[place]! * keep - (stepSize * m) / (Math.sqrt(v) / rootCorrection + epsilon)
    }
    firstScales[block] = firstLargest
    secondScales[block] = secondLargest
    signed.encode(first, count, firstScales[block]!, firstCodes, start)
    unsigned.encode(second, count, secondScales[block]!, secondCodes, start)
  }
}

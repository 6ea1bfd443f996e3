// The table of optimizers, and one of them over the flat buffers of a run. What it remembers is plain data that a
// checkpoint keeps; the optimizer itself has no state beside it.
import { adafactor } from './adafactor.ts'
import { adamw } from './adamw.ts'
import { adamw8bit } from './adamw-8bit.ts'
import { lion } from './lion.ts'
import {
  type MemoryTensor,
  type OptimizerRule,
  type OptimizerSettings,
  type Slot,
  type StepNumbers,
  sizeOf,
  type TensorPlace,
} from './optimizer-rule.ts'
import { sgd } from './sgd.ts'

export type OptimizerKind = OptimizerSettings['kind']

const rules: { readonly [Kind in OptimizerKind]: OptimizerRule } = {
  adamw,
  'adamw-8bit': adamw8bit,
  adafactor,
  lion,
  sgd,
}

/** By '<slot>.<tensor>', in the order of the layout. */
export type OptimizerMemory = ReadonlyMap<string, MemoryTensor>

export interface Optimizer {
  /** One update of all parameters in place. Nothing is allocated that grows with their number. */
  readonly step: (numbers: StepNumbers) => void
}

/** What an optimizer keeps of these tensors, before its first step. */
export function blankMemory(kind: OptimizerKind, places: readonly TensorPlace[]): OptimizerMemory {
  const memory = new Map<string, MemoryTensor>()
  for (const { name, shape } of places)
    for (const slot of rules[kind].slots(shape)) memory.set(`${slot.name}.${name}`, blankTensor(slot))
  return memory
}

/** As before the first step, in the same buffers. */
export function clearMemory(memory: OptimizerMemory): void {
  for (const { data } of memory.values()) data.fill(0)
}

const blankTensor = ({ dtype, shape }: Slot): MemoryTensor => ({
  shape,
  data: dtype === 'float32' ? new Float32Array(sizeOf(shape)) : new Uint8Array(sizeOf(shape)),
})

/** Bytes that an optimizer keeps for tensors of these shapes. */
export function memoryBytes(kind: OptimizerKind, shapes: readonly (readonly number[])[]): number {
  let bytes = 0
  for (const shape of shapes)
    for (const slot of rules[kind].slots(shape))
      bytes += sizeOf(slot.shape) * (slot.dtype === 'float32' ? Float32Array : Uint8Array).BYTES_PER_ELEMENT
  return bytes
}

/**
 * `parameters`, `gradients` and `memory` stay the caller's: they are read and changed where they are. `rates` are factors
 * on the learning rate, one a tensor; all are 1 where none are given.
 */
export function createOptimizer(
  settings: OptimizerSettings,
  places: readonly TensorPlace[],
  buffers: {
    readonly parameters: Float32Array
    readonly gradients: Float32Array
    readonly memory: OptimizerMemory
  },
  rates?: readonly number[],
): Optimizer {
  const bind = rules[settings.kind].prepare(settings)
  const updates = places.map(({ name, shape, offset, length }) => {
    const dataOf = (slot: string) => buffers.memory.get(`${slot}.${name}`)?.data
    return bind({
      shape,
      parameters: buffers.parameters.subarray(offset, offset + length),
      gradients: buffers.gradients.subarray(offset, offset + length),
      floats: (slot) => required(dataOf(slot), Float32Array, `${slot} of ${name}`),
      bytes: (slot) => required(dataOf(slot), Uint8Array, `${slot} of ${name}`),
    })
  })
  return {
    step(numbers) {
      for (const [index, update] of updates.entries())
        update({ ...numbers, learningRate: numbers.learningRate * (rates?.[index] ?? 1) })
    },
  }
}

function required<T>(data: unknown, kind: new (...values: never[]) => T, what: string): T {
  if (data instanceof kind) return data
  throw new Error(`the memory of the optimizer has no ${what}`)
}

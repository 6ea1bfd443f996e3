// What an optimizer is here: a rule for one tensor of a flat float32 buffer, and what it remembers of that tensor. It
// knows nothing of graphs, schedules or files.
import type { Recipe } from '#shared/recipe.ts'

export type OptimizerSettings = Recipe['optimizer']

/** Where a trained tensor lies in the flat buffers. */
export interface TensorPlace {
  readonly name: string
  readonly shape: readonly number[]
  readonly offset: number
  readonly length: number
}

/** One buffer that an optimizer keeps of a tensor between steps. Starts as zeros. */
export interface Slot {
  readonly name: string
  readonly dtype: 'float32' | 'uint8'
  readonly shape: readonly number[]
}

export interface MemoryTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array | Uint8Array
}

export interface StepNumbers {
  /** t of the formulas: updates of the parameters, counted from 1. */
  readonly updates: number
  readonly learningRate: number
  /** Carries 1 / labelled tokens and the clipping factor, so that gradients are read once: g = gradScale * gradients. */
  readonly gradScale: number
}

/** A tensor with its buffers; `parameters` and what it remembers are changed in place. */
export interface BoundTensor {
  readonly shape: readonly number[]
  readonly parameters: Float32Array
  readonly gradients: Float32Array
  /** Buffers of the slots, by name. */
  readonly floats: (slot: string) => Float32Array
  readonly bytes: (slot: string) => Uint8Array
}

export type TensorUpdate = (numbers: StepNumbers) => void

export interface OptimizerRule {
  readonly slots: (shape: readonly number[]) => readonly Slot[]
  /** Buffers that all tensors share are made here once; an update allocates nothing. */
  readonly prepare: (settings: OptimizerSettings) => (tensor: BoundTensor) => TensorUpdate
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

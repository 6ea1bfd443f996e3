// What nodes give and what makes nodes: the two ends between which operators.ts stands.
import type { DataType, TfAttribute } from './graph-def.ts'

/** A result of a node. */
export interface Tensor {
  /** 'node' or 'node:index' */
  readonly name: string
  readonly dataType: DataType
  /** The loop in whose body it was made. */
  readonly frame: Frame | null
}

/** The body of a loop: what is read from around it enters it once. */
export interface Frame {
  readonly name: string
  readonly entered: Map<string, Tensor>
}

export interface NodeMaker {
  /** Adds one node; its results have these types. */
  node(
    operator: string,
    inputs: readonly Tensor[],
    attributes: Readonly<Record<string, TfAttribute>>,
    results: readonly DataType[],
  ): readonly Tensor[]
  /** int32 constants: a vector, a number. */
  integers(values: readonly number[]): Tensor
  integer(value: number): Tensor
}

// What shape rules are made of: descriptions of types, and checks that refuse what does not fit.
// A rule that refuses throws GraphError: a graph with wrong shapes is a bug of ours, never bad input.
import type { Dim, DType, OpKind, OpTable, Value } from '../types.ts'

export interface ValueType {
  readonly shape: readonly Dim[]
  readonly dtype: DType
}

export class GraphError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'GraphError'
  }
}

type EachAs<Tuple, T> = { readonly [Index in keyof Tuple]: T }

export type TypeRules = {
  readonly [K in OpKind]: (
    inputs: Readonly<OpTable[K]['inputs']>,
    attributes: Readonly<OpTable[K]['attributes']>,
  ) => EachAs<OpTable[K]['outputs'], ValueType>
}

export const describeType = (type: ValueType): string => `${type.dtype}[${type.shape.join(',')}]`

export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis])

export const float = (...shape: readonly Dim[]): ValueType => ({ shape, dtype: 'float32' })
export const leading = (value: Value): readonly Dim[] => value.shape.slice(0, -1)
export const lastDim = (value: Value): Dim => dimAt(value, value.shape.length - 1)

export function require(condition: boolean, law: string, ...values: readonly (Value | null)[]): void {
  if (condition) return
  const seen = values.map((value) => (value ? `${value.name}: ${describeType(value)}` : 'null')).join('; ')
  throw new GraphError(`expected ${law}, got ${seen}`)
}

export function dimAt(value: Value, axis: number): Dim {
  const dim = value.shape[axis]
  if (dim === undefined)
    throw new GraphError(`expected a dimension ${axis}, got ${value.name}: ${describeType(value)}`)
  return dim
}

/** A last dimension that is a number, as whatever cuts or joins it needs. */
export function lastWidth(value: Value): number {
  const width = lastDim(value)
  require(typeof width === 'number', 'a last dimension of fixed size', value)
  return Number(width)
}

export function requireFloats(...values: readonly (Value | null)[]): void {
  for (const value of values) if (value) require(value.dtype === 'float32', 'float32', value)
}

export function requireWhole(value: Value, rank: number): void {
  require(value.dtype === 'int64' && value.shape.length === rank, `int64 of rank ${rank}`, value)
}

export function requireShape(value: Value, shape: readonly Dim[]): void {
  require(sameShape(value.shape, shape), `shape [${shape.join(',')}]`, value)
}

/** An attribute's own law, named with the value that broke it. */
export function requireAttribute(condition: boolean, law: string, value: unknown): void {
  if (!condition) throw new GraphError(`expected ${law}, got ${String(value)}`)
}

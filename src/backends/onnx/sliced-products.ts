// Products with a large weight in 8 bits, the vocabulary's table above all: a loop over slices of its rows, of which one
// at a time is float32. What rules ask for where they would otherwise read the whole weight.
import { rowsOfSlice } from '#engine/analysis/weight-slices.ts'
import type { Dim, Value } from '#engine/ir/types.ts'
import type { QuantisedIn } from '../stored-weights.ts'
import type { Emitter } from './emitter.ts'
import { type Carried, emitLoop } from './loop.ts'
import { elementTypes } from './model-proto.ts'
import { float } from './node-writer.ts'
import { matrixProduct } from './products.ts'
import { dequantisePicked } from './quantised.ts'
import { lastOf } from './shapes.ts'

export interface SlicedWeight {
  readonly weight: Value
  readonly location: QuantisedIn<'int8'>
  /** Rows of a slice. */
  readonly size: number
  readonly count: number
}

/** Null for a weight that is read whole. */
export function slicedWeight(emit: Emitter, weight: Value): SlicedWeight | null {
  const location = emit.locationOf(weight)
  if (location?.kind !== 'quantised' || location.scheme !== 'int8') return null
  const [rows, width] = location.shape as readonly [number, number]
  const size = rowsOfSlice(rows, width)
  return size === null ? null : { weight, location, size, count: Math.ceil(rows / size) }
}

interface Product {
  readonly sliced: SlicedWeight
  /** [T,I], or [T,O] where the weight is not turned. */
  readonly x: string
  /** Of the result. */
  readonly shape: readonly Dim[]
  readonly scale: number
}

/** scale * x weight^T [T,O]: the columns of each slice, joined. */
export function joinColumns(emit: Emitter, { sliced, x, shape, scale }: Product): string {
  const { operator, ...options } = matrixProduct(emit, { transB: 1, scale })
  const columnsOf = (iteration: string): string => {
    const { weight, size } = sliceAt(emit, sliced, iteration)
    return emit.node(operator, [x, weight], { ...options, shape: [shape[0]!, size] })
  }
  if (emit.dialect === 'portable') {
    const pieces = inTurn(emit, sliced, columnsOf)
    return emit.node('Concat', pieces, { attributes: { axis: 1 }, shape })
  }
  const carried: Carried = {
    initial: emit.share('no pieces', () =>
      emit.node('SequenceEmpty', [], { attributes: { dtype: elementTypes.float32 } }),
    ),
    hint: 'columns',
    dims: ['rows of columns', 'columns'],
    isSequence: true,
  }
  const [columns] = emitLoop(emit, emit.integer(sliced.count), [carried], (iteration, [before]) => [
    emit.node('SequenceInsert', [before!, columnsOf(iteration)]),
  ])
  return emit.node('ConcatFromSequence', [columns!], { attributes: { axis: 1 }, shape })
}

/** scale * x weight [T,I], summed slice by slice. */
export function sumOverSlices(emit: Emitter, { sliced, x, shape, scale }: Product): string {
  const addSlice = (before: string, iteration: string): string => {
    const slice = sliceAt(emit, sliced, iteration)
    const columns = emit.node('Slice', [x, ...slice.bounds, emit.integers([1])], {
      shape: [shape[0]!, slice.size],
    })
    return emit.node('Gemm', [columns, slice.weight, before], { attributes: { alpha: float(scale) }, shape })
  }
  const rows = emit.node('Shape', [x], { attributes: { start: 0, end: 1 } })
  const size = emit.node('Concat', [rows, emit.integers([lastOf(shape)])], { attributes: { axis: 0 } })
  const zeros = emit.filled(0, size, { shape })
  if (emit.dialect === 'portable') {
    let sum = zeros
    inTurn(emit, sliced, (iteration) => {
      sum = addSlice(sum, iteration)
    })
    return sum
  }
  const carried: Carried = { initial: zeros, hint: 'sum over slices', dims: shape, isSequence: false }
  const [sum] = emitLoop(emit, emit.integer(sliced.count), [carried], (iteration, [before]) => [
    addSlice(before!, iteration),
  ])
  return sum!
}

/** What the loop does, slice behind slice in the graph. */
function inTurn<T>(
  emit: Emitter,
  { count, size }: SlicedWeight,
  work: (iteration: string) => T,
): readonly T[] {
  return Array.from({ length: count }, (_, index) => {
    const place = index === count - 1 ? `last slice of ${size}` : `slices of ${size}`
    return emit.apart(place, () => work(emit.integer(index)))
  })
}

interface Slice {
  /** First row, and the first behind the last, each as an int64 vector of length 1. */
  readonly bounds: readonly [string, string]
  /** float32 [rows of the slice, I] */
  readonly weight: string
  /** The last slice may have fewer rows than the others. */
  readonly size: Dim
}

function sliceAt(emit: Emitter, { weight, location, size }: SlicedWeight, iteration: string): Slice {
  const rows = emit.integers([size])
  const from = emit.node('Mul', [iteration, rows])
  const bounds = [from, emit.node('Add', [from, rows])] as const
  const symbol = `slice of ${size}`
  const pick = (part: string): string => emit.node('Slice', [part, ...bounds, emit.integers([0])])
  const shape = [symbol, lastOf(weight.shape)]
  return { bounds, weight: dequantisePicked(emit, weight, location, { pick, shape }), size: symbol }
}

// TensorFlow's operators as functions: each knows its attributes, which a graph must spell out although calls one by one
// may leave them to their defaults. Only those that the rules use.
import { boolean, type DataType, integer, integers, shape, text, texts, type } from './graph-def.ts'
import type { NodeMaker, Tensor } from './tensor.ts'

const unary =
  (operator: string) =>
  (emit: NodeMaker, x: Tensor): Tensor =>
    emit.node(operator, [x], { T: type(x.dataType) }, [x.dataType])[0]!

export const exp = unary('Exp')
export const log = unary('Log')
export const sqrt = unary('Sqrt')
export const rsqrt = unary('Rsqrt')
export const square = unary('Square')
export const negate = unary('Neg')
export const tanh = unary('Tanh')
export const sigmoid = unary('Sigmoid')
export const erf = unary('Erf')
export const relu = unary('Relu')
export const sign = unary('Sign')
/** Half the sum of squares, without an array of them. */
export const halfSquares = unary('L2Loss')
/** Along the last dimension. */
export const softmax = unary('Softmax')

const binary =
  (operator: string) =>
  (emit: NodeMaker, a: Tensor, b: Tensor): Tensor =>
    emit.node(operator, [a, b], { T: type(a.dataType) }, [a.dataType])[0]!

/** With broadcasting. */
export const add = binary('AddV2')
export const subtract = binary('Sub')
export const multiply = binary('Mul')
export const divide = binary('RealDiv')
export const minimum = binary('Minimum')
export const maximum = binary('Maximum')
/** Of whole numbers, downwards. */
export const floorDivide = binary('FloorDiv')
export const bitwiseAnd = binary('BitwiseAnd')
export const rightShift = binary('RightShift')

const comparison =
  (operator: string) =>
  (emit: NodeMaker, a: Tensor, b: Tensor): Tensor =>
    emit.node(operator, [a, b], { T: type(a.dataType) }, ['bool'])[0]!

export const less = comparison('Less')
export const lessOrEqual = comparison('LessEqual')
export const greater = comparison('Greater')

export function equal(emit: NodeMaker, a: Tensor, b: Tensor): Tensor {
  const attributes = { T: type(a.dataType), incompatible_shape_error: boolean(true) }
  return emit.node('Equal', [a, b], attributes, ['bool'])[0]!
}

export const both = (emit: NodeMaker, a: Tensor, b: Tensor): Tensor =>
  emit.node('LogicalAnd', [a, b], {}, ['bool'])[0]!

/** `condition` ? a : b, with broadcasting. */
export const select = (emit: NodeMaker, condition: Tensor, a: Tensor, b: Tensor): Tensor =>
  emit.node('SelectV2', [condition, a, b], { T: type(a.dataType) }, [a.dataType])[0]!

export interface Turned {
  readonly isFirstTurned?: boolean
  readonly isSecondTurned?: boolean
}

/** Of two matrices. */
export function matrixProduct(emit: NodeMaker, a: Tensor, b: Tensor, turned: Turned = {}): Tensor {
  const attributes = {
    T: type(a.dataType),
    transpose_a: boolean(turned.isFirstTurned ?? false),
    transpose_b: boolean(turned.isSecondTurned ?? false),
  }
  return emit.node('MatMul', [a, b], attributes, [a.dataType])[0]!
}

/** Of many pairs of matrices, of equal leading dimensions. */
export function batchProduct(emit: NodeMaker, a: Tensor, b: Tensor, turned: Turned = {}): Tensor {
  const attributes = {
    T: type(a.dataType),
    adj_x: boolean(turned.isFirstTurned ?? false),
    adj_y: boolean(turned.isSecondTurned ?? false),
  }
  return emit.node('BatchMatMulV2', [a, b], attributes, [a.dataType])[0]!
}

const reduction =
  (operator: string) =>
  (emit: NodeMaker, x: Tensor, axes: readonly number[], keepsDimensions = false): Tensor => {
    const attributes = { T: type(x.dataType), Tidx: type('int32'), keep_dims: boolean(keepsDimensions) }
    return emit.node(operator, [x, emit.integers(axes)], attributes, [x.dataType])[0]!
  }

export const sum = reduction('Sum')
export const mean = reduction('Mean')
export const max = reduction('Max')
export const min = reduction('Min')

/** A view. */
export function reshape(emit: NodeMaker, x: Tensor, sizes: Tensor): Tensor {
  const attributes = { T: type(x.dataType), Tshape: type('int32') }
  return emit.node('Reshape', [x, sizes], attributes, [x.dataType])[0]!
}

/** A view with a dimension of 1 at `axis`. */
export function expand(emit: NodeMaker, x: Tensor, axis: number): Tensor {
  const attributes = { T: type(x.dataType), Tdim: type('int32') }
  return emit.node('ExpandDims', [x, emit.integer(axis)], attributes, [x.dataType])[0]!
}

export function transpose(emit: NodeMaker, x: Tensor, order: readonly number[]): Tensor {
  const attributes = { T: type(x.dataType), Tperm: type('int32') }
  return emit.node('Transpose', [x, emit.integers(order)], attributes, [x.dataType])[0]!
}

export function concat(emit: NodeMaker, parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts
  if (!first) throw new Error('Nothing to join.')
  if (parts.length === 1) return first
  const attributes = { N: integer(parts.length), T: type(first.dataType), Tidx: type('int32') }
  return emit.node('ConcatV2', [...parts, emit.integer(axis)], attributes, [first.dataType])[0]!
}

/** Parts of these sizes along `axis`. */
export function split(emit: NodeMaker, x: Tensor, sizes: readonly number[], axis: number): readonly Tensor[] {
  const attributes = { num_split: integer(sizes.length), T: type(x.dataType), Tlen: type('int32') }
  const inputs = [x, emit.integers(sizes), emit.integer(axis)]
  return emit.node(
    'SplitV',
    inputs,
    attributes,
    sizes.map(() => x.dataType),
  )
}

/** `begin` and `sizes` are vectors, one number for each dimension; -1 is all that is left. */
export function slice(emit: NodeMaker, x: Tensor, begin: Tensor, sizes: Tensor): Tensor {
  const attributes = { T: type(x.dataType), Index: type(begin.dataType) }
  return emit.node('Slice', [x, begin, sizes], attributes, [x.dataType])[0]!
}

/** Rows of `table` along its first dimension, or along `axis`. */
export function gather(emit: NodeMaker, table: Tensor, indices: Tensor, axis = 0): Tensor {
  const attributes = {
    Tparams: type(table.dataType),
    Tindices: type(indices.dataType),
    Taxis: type('int32'),
    batch_dims: integer(0),
  }
  return emit.node('GatherV2', [table, indices, emit.integer(axis)], attributes, [table.dataType])[0]!
}

/** [N,C]: sums of the rows [T,C] that have the same number `places` [T]; `count` is N. Always in the order of the rows. */
export function sumByPlace(emit: NodeMaker, rows: Tensor, places: Tensor, count: Tensor): Tensor {
  const attributes = { T: type(rows.dataType), Tindices: type(places.dataType), Tnumsegments: type('int32') }
  return emit.node('UnsortedSegmentSum', [rows, places, count], attributes, [rows.dataType])[0]!
}

export function cast(emit: NodeMaker, x: Tensor, to: DataType): Tensor {
  if (x.dataType === to) return x
  const attributes = { SrcT: type(x.dataType), DstT: type(to), Truncate: boolean(false) }
  return emit.node('Cast', [x], attributes, [to])[0]!
}

/** The same bytes as numbers of another type: a view. Where the new one is wider, the last dimension is used up. */
export const bitcast = (emit: NodeMaker, x: Tensor, to: DataType): Tensor =>
  emit.node('Bitcast', [x], { T: type(x.dataType), type: type(to) }, [to])[0]!

/** An int32 vector. */
export const sizesOf = (emit: NodeMaker, x: Tensor): Tensor =>
  emit.node('Shape', [x], { T: type(x.dataType), out_type: type('int32') }, ['int32'])[0]!

export const fill = (emit: NodeMaker, sizes: Tensor, value: Tensor): Tensor =>
  emit.node('Fill', [sizes, value], { T: type(value.dataType), index_type: type('int32') }, [
    value.dataType,
  ])[0]!

/** [from, from + by, ...) below `to`: whole numbers. */
export const range = (emit: NodeMaker, from: Tensor, to: Tensor, by: Tensor): Tensor =>
  emit.node('Range', [from, to, by], { Tidx: type('int32') }, ['int32'])[0]!

/** Tensors of one shape beside each other, in a new dimension at `axis`. */
export function pack(emit: NodeMaker, parts: readonly Tensor[], axis: number): Tensor {
  const { dataType } = parts[0]!
  const attributes = { N: integer(parts.length), T: type(dataType), axis: integer(axis) }
  return emit.node('Pack', parts, attributes, [dataType])[0]!
}

/** The parts along the first dimension, which has this size. */
export function unpack(emit: NodeMaker, x: Tensor, count: number): readonly Tensor[] {
  const attributes = { num: integer(count), T: type(x.dataType), axis: integer(0) }
  return emit.node(
    'Unpack',
    [x],
    attributes,
    Array.from({ length: count }, () => x.dataType),
  )
}

/** Zeros around: `paddings` int32 [rank,2], before and behind each dimension. */
export function pad(emit: NodeMaker, x: Tensor, paddings: Tensor): Tensor {
  const attributes = { T: type(x.dataType), Tpaddings: type('int32') }
  return emit.node('Pad', [x, paddings], attributes, [x.dataType])[0]!
}

/** The parts of `axis` in the opposite order. */
export function reverse(emit: NodeMaker, x: Tensor, axis: number): Tensor {
  const attributes = { T: type(x.dataType), Tidx: type('int32') }
  return emit.node('ReverseV2', [x, emit.integers([axis])], attributes, [x.dataType])[0]!
}

/** logits [L,V], targets int32 [L] -> cross-entropies [L] in nats, and softmax - onehot [L,V]. */
export function crossEntropy(
  emit: NodeMaker,
  logits: Tensor,
  targets: Tensor,
): readonly [losses: Tensor, gradient: Tensor] {
  const attributes = { T: type('float32'), Tlabels: type(targets.dataType) }
  const results = emit.node('SparseSoftmaxCrossEntropyWithLogits', [logits, targets], attributes, [
    'float32',
    'float32',
  ])
  return [results[0]!, results[1]!]
}

/**
 * A whole file, mapped: as many numbers as the shape says. Before its first run TensorFlow would
 * compute it, as it depends on nothing: read the file whole, copy it, and find it too large to keep (twice a file's size
 * in memory, twice over). It leaves alone what carries the mark of its own pass for joint allocations, empty here.
 */
export function mappedFile(
  emit: NodeMaker,
  path: string,
  dataType: DataType,
  dims: readonly number[],
): Tensor {
  const attributes = {
    dtype: type(dataType),
    shape: shape(dims),
    memory_region_name: text(path),
    _scoped_allocator: integers([]),
  }
  return emit.node('ImmutableConst', [], attributes, [dataType])[0]!
}

/** A variable of this name, of the whole session. */
export function variable(emit: NodeMaker, name: string, dataType: DataType, dims: readonly number[]): Tensor {
  const attributes = {
    container: text(''),
    shared_name: text(name),
    dtype: type(dataType),
    shape: shape(dims),
    debug_name: text(''),
    allowed_devices: texts([]),
  }
  return emit.node('VarHandleOp', [], attributes, ['resource'])[0]!
}

const change =
  (operator: string) =>
  (emit: NodeMaker, handle: Tensor, value: Tensor): Tensor =>
    emit.node(operator, [handle, value], { dtype: type(value.dataType) }, ['resource'])[0]!

/** In place, where nobody reads the variable meanwhile; nodes without a result, which others wait for. */
export const addTo = change('AssignAddVariableOp')
export const subtractFrom = change('AssignSubVariableOp')

/** A node without a result, which others wait for. */
export const assign = (emit: NodeMaker, handle: Tensor, value: Tensor): Tensor =>
  emit.node(
    'AssignVariableOp',
    [handle, value],
    { dtype: type(value.dataType), validate_shape: boolean(false) },
    ['resource'],
  )[0]!

/** Where it lies, without a copy. */
export const readVariable = (emit: NodeMaker, handle: Tensor, dataType: DataType): Tensor =>
  emit.node('ReadVariableOp', [handle], { dtype: type(dataType) }, [dataType])[0]!

/** Pieces of a result that differ in their first dimension, written by a loop. */
export interface Pieces {
  readonly handle: Tensor
  readonly flow: Tensor
}

export function newPieces(emit: NodeMaker, count: Tensor, name: string): Pieces {
  const attributes = {
    dtype: type('float32'),
    element_shape: shape(null),
    dynamic_size: boolean(false),
    clear_after_read: boolean(true),
    identical_element_shapes: boolean(false),
    tensor_array_name: text(name),
  }
  const [handle, flow] = emit.node('TensorArrayV3', [count], attributes, ['resource', 'float32'])
  return { handle: handle!, flow: flow! }
}

/** Returns the flow: whoever reads the pieces must have it. */
export function writePiece(emit: NodeMaker, { handle, flow }: Pieces, index: Tensor, piece: Tensor): Tensor {
  const attributes = { T: type('float32') }
  return emit.node('TensorArrayWriteV3', [handle, index, piece, flow], attributes, ['float32'])[0]!
}

/** All pieces, one behind the other along the first dimension. */
export function joinPieces(emit: NodeMaker, { handle, flow }: Pieces): Tensor {
  const attributes = { dtype: type('float32'), element_shape_except0: shape(null) }
  return emit.node('TensorArrayConcatV3', [handle, flow], attributes, ['float32', 'int64'])[0]!
}

/** [...] -> [..., depth]: `on` at each number's place, 0 elsewhere. */
export function oneHot(emit: NodeMaker, places: Tensor, depth: number, on: Tensor): Tensor {
  const attributes = { T: type(on.dataType), TI: type(places.dataType), axis: integer(-1) }
  const zero = subtract(emit, on, on)
  return emit.node('OneHot', [places, emit.integer(depth), on, zero], attributes, [on.dataType])[0]!
}

export const either = (emit: NodeMaker, a: Tensor, b: Tensor): Tensor =>
  emit.node('LogicalOr', [a, b], {}, ['bool'])[0]!

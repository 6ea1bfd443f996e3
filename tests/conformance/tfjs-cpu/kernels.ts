// The kernels of TensorFlow.js's CPU back end, pure JavaScript, for single TensorFlow nodes: by the name that tfjs has for
// an operator. Numbers that TensorFlow hands over as tensors (axes, sizes, bounds) are attributes there.
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import type { DataType, TfNode } from '#backends/tensorflow/graph-def.ts'
import {
  type Attributes,
  type NodeKernels,
  type Numbers,
  walkedOperators,
} from '../../backends/tensorflow/run-nodes.ts'

// Otherwise it advertises its bindings on the console.
tf.enableProdMode()

/** Whole numbers are int32, as the lowering feeds them. */
const types: Partial<Record<DataType, 'float32' | 'int32' | 'bool'>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
}

type Kernel = (inputs: readonly tf.Tensor[], attributes: Attributes) => tf.Tensor | readonly tf.Tensor[]

/** What tfjs gives a kernel: tensors by name, for some a list of them. */
type KernelInputs = Readonly<Record<string, tf.Tensor | undefined>> | readonly tf.Tensor[]

const run = (name: string, inputs: KernelInputs, attributes: tf.NamedAttrMap = {}) =>
  tf.engine().runKernel(name, inputs as unknown as tf.NamedTensorMap, attributes)

const ofOne =
  (name: string): Kernel =>
  ([x]) =>
    run(name, { x })

const ofTwo =
  (name: string): Kernel =>
  ([a, b]) =>
    run(name, { a, b })

/** The numbers of a small tensor. */
const numbers = (tensor: tf.Tensor | undefined): number[] => Array.from(tensor!.dataSync())
const number = (tensor: tf.Tensor | undefined): number => numbers(tensor)[0]!

function attribute(attributes: Attributes, name: string): number | boolean | string {
  const found = attributes[name]
  if (found?.kind === 'integer' || found?.kind === 'boolean' || found?.kind === 'type') return found.value
  throw new Error(`No attribute ${name} of an operator that has one.`)
}

const reduction =
  (name: string, axes: 'axis' | 'reductionIndices'): Kernel =>
  ([x, axis], attributes) =>
    run(name, { x }, { [axes]: numbers(axis), keepDims: attribute(attributes, 'keep_dims') })

/** Of pairs of matrices; of two matrices alike. */
const product =
  (turnsFirst: string, turnsSecond: string): Kernel =>
  ([a, b], attributes) =>
    run(
      'BatchMatMul',
      { a, b },
      { transposeA: attribute(attributes, turnsFirst), transposeB: attribute(attributes, turnsSecond) },
    )

/** Cross-entropies and softmax - onehot, for which tfjs has no kernel of its own. */
const crossEntropy: Kernel = ([logits, targets]) => {
  const shifted = tf.sub(logits!, tf.max(logits!, -1, true))
  const powers = tf.exp(shifted)
  const sums = tf.sum(powers, -1, true)
  const chosen = tf.oneHot(targets as tf.Tensor1D, logits!.shape[1]!, 1, 0, 'float32')
  const losses = tf.sub(tf.log(tf.squeeze(sums, [1])), tf.sum(tf.mul(chosen, shifted), -1))
  return [losses, tf.sub(tf.div(powers, sums), chosen)]
}

const sizesOf: Kernel = ([x]) => tf.tensor1d(x!.shape, 'int32')

const range: Kernel = ([from, to, by]) =>
  run('Range', {}, { start: number(from), stop: number(to), step: number(by), dtype: 'int32' })

const pad: Kernel = ([x, paddings]) => {
  const flat = numbers(paddings)
  const pairs = x!.shape.map((_, axis) => [flat[2 * axis]!, flat[2 * axis + 1]!])
  return run('PadV2', { x }, { paddings: pairs, constantValue: 0 })
}

const oneHot: Kernel = ([indices, depth, on, off]) => {
  const values = { onValue: number(on), offValue: number(off), dtype: on!.dtype }
  return run('OneHot', { indices }, { depth: number(depth), ...values })
}

const split: Kernel = ([x, sizes, axis]) =>
  run('SplitV', { x }, { numOrSizeSplits: numbers(sizes), axis: number(axis) })

const slice: Kernel = ([x, begin, size]) =>
  run('Slice', { x }, { begin: numbers(begin), size: numbers(size) })

const concat: Kernel = (inputs) => run('Concat', inputs.slice(0, -1), { axis: number(inputs.at(-1)) })

const gather: Kernel = ([x, indices, axis]) =>
  run('GatherV2', { x, indices }, { axis: number(axis), batchDims: 0 })

const sumByPlace: Kernel = ([x, segmentIds, count]) =>
  run('UnsortedSegmentSum', { x, segmentIds }, { numSegments: number(count) })

const fill: Kernel = ([shape, value]) =>
  run('Fill', {}, { shape: numbers(shape), value: number(value), dtype: value!.dtype })

/** Every operator that is computed, by TensorFlow's name. */
const kernels: Readonly<Record<string, Kernel>> = {
  AddV2: ofTwo('Add'),
  BatchMatMulV2: product('adj_x', 'adj_y'),
  Cast: ([x], attributes) => run('Cast', { x }, { dtype: attribute(attributes, 'DstT') }),
  ConcatV2: concat,
  Equal: ofTwo('Equal'),
  Erf: ofOne('Erf'),
  Exp: ofOne('Exp'),
  ExpandDims: ([input, axis]) => run('ExpandDims', { input }, { dim: number(axis) }),
  Fill: fill,
  FloorDiv: ofTwo('FloorDiv'),
  GatherV2: gather,
  Identity: ofOne('Identity'),
  Greater: ofTwo('Greater'),
  Less: ofTwo('Less'),
  LessEqual: ofTwo('LessEqual'),
  Log: ofOne('Log'),
  LogicalAnd: ofTwo('LogicalAnd'),
  LogicalOr: ofTwo('LogicalOr'),
  MatMul: product('transpose_a', 'transpose_b'),
  Max: reduction('Max', 'reductionIndices'),
  Maximum: ofTwo('Maximum'),
  Mean: reduction('Mean', 'axis'),
  Min: reduction('Min', 'axis'),
  Minimum: ofTwo('Minimum'),
  Mul: ofTwo('Multiply'),
  Neg: ofOne('Neg'),
  OneHot: oneHot,
  Pack: (inputs, attributes) => run('Pack', inputs, { axis: attribute(attributes, 'axis') }),
  Pad: pad,
  Range: range,
  RealDiv: ofTwo('RealDiv'),
  Relu: ofOne('Relu'),
  Reshape: ([x, sizes]) => run('Reshape', { x }, { shape: numbers(sizes) }),
  ReverseV2: ([x, axes]) => run('Reverse', { x }, { dims: numbers(axes) }),
  Rsqrt: ofOne('Rsqrt'),
  // Its kernel Select knows no broadcasting.
  SelectV2: ([condition, a, b]) => tf.where(condition!, a!, b!),
  Shape: sizesOf,
  Sigmoid: ofOne('Sigmoid'),
  Sign: ofOne('Sign'),
  Slice: slice,
  Softmax: ([logits]) => run('Softmax', { logits }, { dim: -1 }),
  SparseSoftmaxCrossEntropyWithLogits: crossEntropy,
  SplitV: split,
  Sqrt: ofOne('Sqrt'),
  Square: ofOne('Square'),
  Sub: ofTwo('Sub'),
  Sum: reduction('Sum', 'axis'),
  Tanh: ofOne('Tanh'),
  Transpose: ([x, order]) => run('Transpose', { x }, { perm: numbers(order) }),
  Unpack: ([value], attributes) => run('Unpack', { value }, { axis: attribute(attributes, 'axis') }),
  UnsortedSegmentSum: sumByPlace,
}

export const computedOperators: readonly string[] = Object.keys(kernels)

/** What of these nodes cannot be computed: operators by name, and types of numbers; in alphabetical order. */
export function beyondTfjs(nodes: readonly TfNode[]): readonly string[] {
  const found = new Set<string>()
  for (const { operator, attributes } of nodes) {
    // Loops carry handles of pieces, which no kernel sees.
    if (walkedOperators.includes(operator)) continue
    if (!(operator in kernels)) found.add(operator)
    for (const each of Object.values(attributes))
      if (each.kind === 'type' && types[each.value] === undefined) found.add(each.value)
  }
  return [...found].sort()
}

/** Tensors are there until the surrounding `tf.tidy` ends. */
export const tfjsKernels: NodeKernels<tf.Tensor> = {
  create(dataType, shape, data) {
    const dtype = types[dataType]
    if (dtype === undefined) throw new Error(`TensorFlow.js has no ${dataType}.`)
    return tf.tensor(data, [...shape], dtype)
  },
  execute(operator, attributes, inputs) {
    const kernel = kernels[operator]
    if (kernel === undefined) throw new Error(`TensorFlow.js has nothing for ${operator}.`)
    return [kernel(inputs, attributes)].flat()
  },
  numbersOf: (tensor) => tensor.dataSync() as Numbers,
  shapeOf: ({ shape }) => shape,
}

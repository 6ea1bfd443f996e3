// Weights in 4 or 8 bits, node by node: every product sees the same float32 values, so gradients are exact.
import type { QuantisedLocation } from '#engine/backend-port.ts'
import type { Dim, Value } from '#engine/ir/types.ts'
import { absmaxName, countOf, type QuantisedIn } from '../stored-weights.ts'
import type { Emitter } from './emitter.ts'
import { elementTypes } from './model-proto.ts'
import type { NodeOptions } from './node-writer.ts'
import { lastOf, productOf, rowsShape } from './shapes.ts'

export type Nf4Location = QuantisedIn<'nf4'>

/** The whole weight as float32: it should live for one operator only. */
export function dequantise(emit: Emitter, weight: Value, location: QuantisedLocation): string {
  const { name, shape } = weight
  if (location.scheme === 'nf4')
    return emit.dialect === 'cpu' ? dequantiseNf4(emit, weight, location) : decodeNf4(emit, weight, location)
  const blocks = countOf(location.shape) / location.blockValues
  const [whole, column] = [{ shape: [blocks, location.blockValues] }, { shape: [blocks, 1] }]
  const scales = emit.halfToFloat(`${name}.scales`)
  if (location.scheme === 'int8') {
    const codes = codesToFloat(emit, `${name}.codes`, shape)
    return scaleRows(emit, { codes, scales, shape, blockValues: location.blockValues })
  }
  const codes = codesToFloat(emit, `${name}.codes`, whole.shape)
  const sixteenths = codesToFloat(emit, `${name}.zeros`, column.shape)
  const zeros = emit.node('Mul', [sixteenths, emit.scalar(1 / 16)], column)
  // The difference is exact, so there is one rounding, as in the quantiser's formula.
  const scaled = emit.node('Mul', [emit.node('Sub', [codes, zeros], whole), scales], whole)
  return emit.reshape(scaled, [-1, lastOf(shape)], { shape })
}

/** Whole numbers of 4 or 8 bits, exactly: WebGPU casts none of them, but knows DequantizeLinear, here with a scale of 1. */
function codesToFloat(emit: Emitter, codes: string, shape: readonly Dim[]): string {
  if (emit.dialect === 'cpu') return emit.castToFloat(codes, { shape })
  return emit.node('DequantizeLinear', [codes, emit.scalar(1)], { shape })
}

interface Picked {
  /** Emits the wanted rows of a part of the weight. */
  readonly pick: (part: string) => string
  /** Of the rows picked, [...,C] */
  readonly shape: readonly Dim[]
}

/** Rows of an int8 weight as [T,C]: only they become float32. */
export function dequantisePicked(
  emit: Emitter,
  { name }: Value,
  { blockValues }: QuantisedIn<'int8'>,
  { pick, shape }: Picked,
): string {
  const codes = codesToFloat(emit, pick(`${name}.codes`), shape)
  const scales = emit.halfToFloat(pick(`${name}.scales`))
  return scaleRows(emit, { codes, scales, shape: rowsShape(shape), blockValues })
}

interface Rows {
  /** float32 [...,C] */
  readonly codes: string
  /** float32 [...,C/blockValues] */
  readonly scales: string
  /** [R,C] */
  readonly shape: readonly Dim[]
  readonly blockValues: number
}

/** DequantizeLinear does not use the processor's vectors on short blocks: casting and scaling takes 0.6 of its time. */
function scaleRows(emit: Emitter, { codes, scales, shape, blockValues }: Rows): string {
  const [rows, width] = [shape[0]!, lastOf(shape)]
  const blocks = productOf([rows, width / blockValues])
  const whole = { shape: [blocks, blockValues] }
  const column = emit.reshape(scales, [-1, 1], { shape: [blocks, 1] })
  const scaled = emit.node('Mul', [emit.reshape(codes, [-1, blockValues], whole), column], whole)
  return emit.reshape(scaled, [-1, width], { shape })
}

interface Nf4Product {
  /** [T,K] */
  readonly x: string
  readonly weight: Value
  readonly location: Nf4Location
  /** N, K: the weight's values as a matrix; blocks run on from row to row. */
  readonly shape: readonly [number, number]
}

/** x weight^T [T,N] by the runtime's own operator, which knows the 16 levels. */
export function multiplyNf4(emit: Emitter, product: Nf4Product, options: NodeOptions): string {
  const { name } = product.weight
  const [N, K] = product.shape
  return emit.node('MatMulBnb4', [product.x, `${name}.codes`, absmaxName(name)], {
    ...options,
    domain: 'com.microsoft',
    attributes: { N, K, block_size: product.location.blockValues, quant_type: 1 },
  })
}

/** Few, so that the product below costs little. */
const decodedWidth = 16

/**
 * The product of the unit matrix with the codes as [n/16,16], turned: each sum has one term, the others are 0, so no bit
 * is lost. A Gather of levels takes 1.15 times as long.
 */
function dequantiseNf4(emit: Emitter, weight: Value, location: Nf4Location): string {
  const rows = countOf(location.shape) / decodedWidth
  const product: Nf4Product = { x: unitMatrix(emit), weight, location, shape: [rows, decodedWidth] }
  const turned = multiplyNf4(emit, product, { shape: [decodedWidth, rows] })
  const attributes = { perm: [1, 0] }
  const decoded = emit.node('Transpose', [turned], { attributes, shape: [rows, decodedWidth] })
  return emit.reshape(decoded, [-1, lastOf(weight.shape)], { shape: weight.shape })
}

/**
 * A byte b holds two codes, floor(b / 16) first: each picks its level, and each block is scaled. Divided by 16, floors and
 * differences of such numbers are exact, so the bits are the quantiser's.
 */
function decodeNf4(emit: Emitter, weight: Value, location: Nf4Location): string {
  const count = countOf(location.shape)
  const column = { shape: [count / 2, 1] }
  const flat = codesToFloat(emit, `${weight.name}.codes`, [count / 2])
  const bytes = emit.reshape(flat, [-1, 1], column)
  const first = emit.node('Floor', [emit.node('Mul', [bytes, emit.scalar(1 / 16)], column)], column)
  const second = emit.node('Sub', [bytes, emit.node('Mul', [first, emit.scalar(16)], column)], column)
  const pairs = { shape: [count / 2, 2] }
  const codes = emit.node('Concat', [first, second], { attributes: { axis: 1 }, ...pairs })
  const places = emit.node('Cast', [codes], { attributes: { to: elementTypes.int32 } })
  const levels = emit.share('levels of nf4', () => emit.floats([location.levels.length], location.levels))
  const values = emit.node('Gather', [levels, places], pairs)
  const whole = { shape: [count / location.blockValues, location.blockValues] }
  const scales = emit.reshape(absmaxName(weight.name), [-1, 1])
  const scaled = emit.node('Mul', [emit.reshape(values, [-1, location.blockValues], whole), scales], whole)
  return emit.reshape(scaled, [-1, lastOf(weight.shape)], { shape: weight.shape })
}

const unitMatrix = (emit: Emitter): string =>
  emit.share('unit matrix', () => {
    const size = [decodedWidth, decodedWidth]
    return emit.floats(
      size,
      Float32Array.from({ length: decodedWidth ** 2 }, (_, i) => (i % (decodedWidth + 1) === 0 ? 1 : 0)),
    )
  })

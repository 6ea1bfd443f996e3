// Weights in 4 or 8 bits, node by node: every product sees the same float32 values, so gradients are exact.
import type { QuantisedLocation } from '#engine/backend-port.ts'
import type { Dim, Value } from '#engine/ir/types.ts'
import { absmaxName, countOf, type QuantisedIn } from '../stored-weights.ts'
import { type Emitter, lastOf, type NodeOptions, productOf, rowsShape } from './emitter.ts'

export type Nf4Location = QuantisedIn<'nf4'>

/** The whole weight as float32: it should live for one operator only. */
export function dequantise(emit: Emitter, weight: Value, location: QuantisedLocation): string {
  const { name, shape } = weight
  if (location.scheme === 'nf4') return dequantiseNf4(emit, weight, location)
  const blocks = countOf(location.shape) / location.blockValues
  const [whole, column] = [{ shape: [blocks, location.blockValues] }, { shape: [blocks, 1] }]
  const scales = emit.castToFloat(`${name}.scales`, {})
  if (location.scheme === 'int8') {
    const codes = emit.castToFloat(`${name}.codes`, { shape })
    return scaleRows(emit, { codes, scales, shape, blockValues: location.blockValues })
  }
  const codes = emit.castToFloat(`${name}.codes`, whole)
  const zeros = emit.node('Mul', [emit.castToFloat(`${name}.zeros`, column), emit.scalar(1 / 16)], column)
  // The difference is exact, so there is one rounding, as in the quantiser's formula.
  const scaled = emit.node('Mul', [emit.node('Sub', [codes, zeros], whole), scales], whole)
  return emit.reshape(scaled, [-1, lastOf(shape)], { shape })
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
  const codes = emit.castToFloat(pick(`${name}.codes`), { shape })
  const scales = emit.castToFloat(pick(`${name}.scales`), {})
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

const unitMatrix = (emit: Emitter): string =>
  emit.share('unit matrix', () => {
    const size = [decodedWidth, decodedWidth]
    return emit.floats(
      size,
      Float32Array.from({ length: decodedWidth ** 2 }, (_, i) => (i % (decodedWidth + 1) === 0 ? 1 : 0)),
    )
  })

// Weights in 4 or 8 bits, node by node: every product sees the same float32 values, so gradients are exact.
import type { QuantisedLocation } from '#engine/backend-port.ts'
import type { Dim, Value } from '#engine/ir/types.ts'
import { type Emitter, lastOf, type NodeOptions, productOf, rowsShape } from './emitter.ts'
import { absmaxName, blocksOfScale, countOf } from './stored-weights.ts'

type In<Scheme> = Extract<QuantisedLocation, { readonly scheme: Scheme }>
export type Nf4Location = In<'nf4'>

/** The whole weight as float32: it should live for one operator only. */
export function dequantise(emit: Emitter, weight: Value, location: QuantisedLocation): string {
  const { name, shape } = weight
  if (location.scheme === 'nf4') return dequantiseNf4(emit, weight, location)
  const codes = emit.castToFloat(`${name}.codes`, { shape })
  const zeros = location.scheme === 'int4' ? wholeCodes(emit, `${name}.zeros`) : null
  const scales = emit.castToFloat(`${name}.scales`, {})
  return scaleBlocks(emit, { codes, zeros, scales, shape, blockValues: location.blockValues })
}

/** Zeros are stored in sixteenths of a code. */
const wholeCodes = (emit: Emitter, zeros: string): string =>
  emit.node('Mul', [emit.castToFloat(zeros, {}), emit.scalar(1 / 16)])

/** The rows `ids` [...] of an int8 table as [T,C]: only they become float32. */
export function dequantiseRows(emit: Emitter, table: Value, location: In<'int8'>, ids: Value): string {
  const pick = (part: string): string => emit.node('Gather', [`${table.name}.${part}`, ids.name])
  const apart = [...ids.shape, lastOf(table.shape)]
  const codes = emit.castToFloat(pick('codes'), { shape: apart })
  const scales = emit.castToFloat(pick('scales'), {})
  const { blockValues } = location
  return scaleBlocks(emit, { codes, zeros: null, scales, shape: rowsShape(apart), blockValues })
}

interface Blocks {
  /** float32 [...,C] */
  readonly codes: string
  /** float32 [...,C/blockValues]; null: 0 */
  readonly zeros: string | null
  /** float32 [...,C/blockValues] */
  readonly scales: string
  /** [R,C] */
  readonly shape: readonly Dim[]
  readonly blockValues: number
}

/**
 * (codes - zeros) * scales: the difference is exact, so one rounding. DequantizeLinear does not use the processor's
 * vectors on short blocks: casting and scaling takes 0.6 of its time.
 */
function scaleBlocks(emit: Emitter, { codes, zeros, scales, shape, blockValues }: Blocks): string {
  const [rows, width] = [shape[0]!, lastOf(shape)]
  const blocked = { shape: [productOf([rows, width / blockValues]), blockValues] }
  const column = (name: string): string => emit.reshape(name, [-1, 1], { shape: [blocked.shape[0]!, 1] })
  const apart = emit.reshape(codes, [-1, blockValues], blocked)
  const centred = zeros === null ? apart : emit.node('Sub', [apart, column(zeros)], blocked)
  return emit.reshape(emit.node('Mul', [centred, column(scales)], blocked), [-1, width], { shape })
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
 * is lost. A Gather of levels takes 1.3 times as long.
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

/**
 * Double quantisation (QLoRA, section 3): the largest magnitude of each block = map[code] * scale of 256 blocks + offset.
 * Decoded once and fed: 7 nodes at every use took more memory than these numbers, and twice the time to prepare.
 */
export function decodeAbsmax(location: Nf4Location, codes: Uint8Array, scales: Float32Array): Float32Array {
  return Float32Array.from(codes, (code, block) => {
    const scale = scales[Math.floor(block / blocksOfScale)]!
    return Math.fround(location.absmaxMap[code]! * scale) + location.absmaxOffset
  })
}

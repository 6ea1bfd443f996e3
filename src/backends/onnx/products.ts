// Matrix products in the graph's dialect: on processors by the runtime's FusedMatMul, which turns and scales as it goes;
// portably by Gemm, or by MatMul between Transposes of the smaller sides.
import type { Dim } from '#engine/ir/types.ts'
import type { Emitter } from './emitter.ts'
import { float, type NodeOptions } from './node-writer.ts'

interface Turns {
  readonly transA?: 0 | 1
  readonly transB?: 0 | 1
}

/** Operator and options of the product of two matrices. */
export function matrixProduct(
  emit: Emitter,
  { scale, ...turns }: Turns & { readonly scale: number },
): NodeOptions & { readonly operator: string } {
  const attributes = { ...turns, alpha: float(scale) }
  if (emit.dialect === 'portable') return { operator: 'Gemm', attributes }
  return { operator: 'FusedMatMul', domain: 'com.microsoft', attributes }
}

/** Of matrices along leading dimensions, which are those of `shape` or 1. */
interface Batched {
  readonly a: string
  readonly b: string
  readonly scale: number
  readonly shape: readonly Dim[]
}

/** scale * a b */
export function multiplyBatched(emit: Emitter, { a, b, scale, shape }: Batched): string {
  if (emit.dialect === 'cpu') return fused(emit, { a, b, scale, shape }, {})
  return scaled(emit, emit.node('MatMul', [a, b], { shape }), scale, shape)
}

/** scale * a b^T, where `a` [...,r,w] is smaller than the result; `turned` is the shape of b^T. */
export function multiplyByTurned(
  emit: Emitter,
  { a, b, scale, shape }: Batched,
  { ofA, turned }: { readonly ofA: readonly Dim[]; readonly turned: readonly Dim[] },
): string {
  if (emit.dialect === 'cpu') return fused(emit, { a, b, scale, shape }, { transB: 1 })
  const columns = emit.share(`turned ${b}`, () => turn(emit, b, turned))
  return emit.node('MatMul', [scaled(emit, a, scale, ofA), columns], { shape })
}

/** scale * a^T b, as (b^T a)^T: `b` and the result [...,e,w] are narrow, `a` [...,r,e] may be a square. */
export function multiplyTurned(emit: Emitter, { a, b, scale, shape }: Batched, rows: Dim): string {
  if (emit.dialect === 'cpu') return fused(emit, { a, b, scale, shape }, { transA: 1 })
  const [leading, [length, width]] = [shape.slice(0, -2), shape.slice(-2) as [Dim, Dim]]
  const flat = [...leading, width, length]
  const product = emit.node('MatMul', [turn(emit, b, [...leading, width, rows]), a], { shape: flat })
  return turn(emit, scaled(emit, product, scale, flat), shape)
}

function fused(emit: Emitter, { a, b, scale, shape }: Batched, turns: Turns): string {
  const attributes = { ...turns, ...(scale === 1 ? {} : { alpha: float(scale) }) }
  return emit.node('FusedMatMul', [a, b], { domain: 'com.microsoft', attributes, shape })
}

function scaled(emit: Emitter, name: string, scale: number, shape: readonly Dim[]): string {
  return scale === 1 ? name : emit.node('Mul', [name, emit.scalar(scale)], { shape })
}

/** The last two dimensions exchanged. */
function turn(emit: Emitter, name: string, shape: readonly Dim[]): string {
  const last = shape.length - 1
  const perm = [...shape.keys()].map((axis) => (axis === last ? last - 1 : axis === last - 1 ? last : axis))
  return emit.node('Transpose', [name], { attributes: { perm }, shape })
}

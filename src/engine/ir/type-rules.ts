// Shape and dtype of every op's results from its operands. One rule per op: an omitted op does not compile.
// A rule that refuses throws GraphError: a graph with wrong shapes is a bug of ours, never bad input.
import type { Dim, DType, OpKind, OpNode, OpTable, Value } from './types.ts'

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

type TypeRules = {
  readonly [K in OpKind]: (
    inputs: Readonly<OpTable[K]['inputs']>,
    attributes: Readonly<OpTable[K]['attributes']>,
  ) => EachAs<OpTable[K]['outputs'], ValueType>
}

export const describeType = (type: ValueType): string => `${type.dtype}[${type.shape.join(',')}]`

export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis])

const float = (...shape: readonly Dim[]): ValueType => ({ shape, dtype: 'float32' })
const leading = (value: Value): readonly Dim[] => value.shape.slice(0, -1)
const lastDim = (value: Value): Dim => dimAt(value, value.shape.length - 1)

function require(condition: boolean, law: string, ...values: readonly (Value | null)[]): void {
  if (condition) return
  const seen = values.map((value) => (value ? `${value.name}: ${describeType(value)}` : 'null')).join('; ')
  throw new GraphError(`expected ${law}, got ${seen}`)
}

function dimAt(value: Value, axis: number): Dim {
  const dim = value.shape[axis]
  if (dim === undefined)
    throw new GraphError(`expected a dimension ${axis}, got ${value.name}: ${describeType(value)}`)
  return dim
}

function requireFloats(...values: readonly (Value | null)[]): void {
  for (const value of values) if (value) require(value.dtype === 'float32', 'float32', value)
}

function requireWhole(value: Value, rank: number): void {
  require(value.dtype === 'int64' && value.shape.length === rank, `int64 of rank ${rank}`, value)
}

function requireShape(value: Value, shape: readonly Dim[]): void {
  require(sameShape(value.shape, shape), `shape [${shape.join(',')}]`, value)
}

function requireHeads(value: Value, heads: number): number {
  const width = lastDim(value)
  const headWidth = typeof width === 'number' ? width / heads : Number.NaN
  require(value.shape.length === 3 && Number.isInteger(headWidth), `[B,S,${heads}*D]`, value)
  return headWidth
}

function attentionTypes(q: Value, k: Value, v: Value, a: { heads: number; kvHeads: number }): void {
  requireFloats(q, k, v)
  const headWidth = requireHeads(q, a.heads)
  require(requireHeads(k, a.kvHeads) === headWidth, `key heads as wide as query heads (${headWidth})`, q, k)
  require(a.heads % a.kvHeads === 0, `${a.heads} query heads divisible by ${a.kvHeads} key heads`, q, k)
  require(sameShape(leading(q), leading(k)), 'the same rows and positions', q, k)
  requireShape(v, k.shape)
}

export const typeRules: TypeRules = {
  embedding: ([table, ids]) => {
    requireFloats(table)
    requireWhole(ids, 2)
    require(table.shape.length === 2, 'a table [V,C]', table)
    return [float(...ids.shape, lastDim(table))]
  },
  embeddingBackward: ([dy, ids], { vocabulary }) => {
    requireFloats(dy)
    requireWhole(ids, 2)
    requireShape(dy, [...ids.shape, lastDim(dy)])
    return [float(vocabulary, lastDim(dy))]
  },
  linear: ([x, weight, addend]) => {
    requireFloats(x, weight, addend)
    require(weight.shape.length === 2 &&
      dimAt(weight, 1) === lastDim(x), 'x [...,I], weight [O,I]', x, weight)
    const shape = [...leading(x), dimAt(weight, 0)]
    if (addend && addend.shape.length === 1) requireShape(addend, [dimAt(weight, 0)])
    else if (addend) requireShape(addend, shape)
    return [float(...shape)]
  },
  linearInputBackward: ([dy, weight, addend]) => {
    requireFloats(dy, weight, addend)
    require(weight.shape.length === 2 &&
      dimAt(weight, 0) === lastDim(dy), 'dy [...,O], weight [O,I]', dy, weight)
    const shape = [...leading(dy), dimAt(weight, 1)]
    if (addend) requireShape(addend, shape)
    return [float(...shape)]
  },
  linearWeightBackward: ([dy, x]) => {
    requireFloats(dy, x)
    require(sameShape(leading(dy), leading(x)), 'dy [...,O] and x [...,I] with the same leading dims', dy, x)
    return [float(lastDim(dy), lastDim(x))]
  },
  sumLeading: ([x]) => {
    requireFloats(x)
    return [float(lastDim(x))]
  },
  rmsNorm: ([x, weight]) => {
    requireFloats(x, weight)
    requireShape(weight, [lastDim(x)])
    return [float(...x.shape), float(...leading(x), 1)]
  },
  rmsNormBackward: ([dy, x, weight, invStd]) => {
    requireFloats(dy, x, weight, invStd)
    requireShape(dy, x.shape)
    requireShape(weight, [lastDim(x)])
    requireShape(invStd, [...leading(x), 1])
    return [float(...x.shape)]
  },
  rmsNormWeightBackward: ([dy, x, invStd]) => {
    requireFloats(dy, x, invStd)
    requireShape(dy, x.shape)
    requireShape(invStd, [...leading(x), 1])
    return [float(lastDim(x))]
  },
  rope: ([x, positions, cos, sin], { heads }) => {
    requireFloats(x, cos, sin)
    requireWhole(positions, 2)
    require(sameShape(positions.shape, leading(x)), 'positions [B,S] for x [B,S,H*D]', x, positions)
    requireShape(cos, [dimAt(cos, 0), requireHeads(x, heads) / 2])
    requireShape(sin, cos.shape)
    return [float(...x.shape)]
  },
  attention: ([q, k, v, mask], attributes) => {
    attentionTypes(q, k, v, attributes)
    const [rows, positions] = [dimAt(q, 0), dimAt(q, 1)]
    if (mask) requireFloats(mask)
    if (mask) requireShape(mask, [rows, positions, positions])
    return [float(...q.shape), float(rows, attributes.heads, positions, positions)]
  },
  attentionBackward: ([dOut, q, k, v, probs], attributes) => {
    attentionTypes(q, k, v, attributes)
    requireFloats(dOut, probs)
    requireShape(dOut, q.shape)
    requireShape(probs, [dimAt(q, 0), attributes.heads, dimAt(q, 1), dimAt(q, 1)])
    return [float(...q.shape), float(...k.shape), float(...v.shape)]
  },
  rememberingAttention: ([q, k, v, pastK, pastV, pastMask], attributes) => {
    attentionTypes(q, k, v, attributes)
    requireFloats(pastK, pastV, pastMask)
    requireShape(pastK, [dimAt(q, 0), dimAt(pastK, 1), lastDim(k)])
    requireShape(pastV, pastK.shape)
    requireShape(pastMask, leading(pastK))
    return [float(...q.shape)]
  },
  swiglu: ([gate, up]) => {
    requireFloats(gate, up)
    requireShape(up, gate.shape)
    return [float(...gate.shape)]
  },
  swigluBackward: ([dy, gate, up]) => {
    requireFloats(dy, gate, up)
    requireShape(dy, gate.shape)
    requireShape(up, gate.shape)
    return [float(...gate.shape), float(...up.shape)]
  },
  add: ([a, b]) => {
    requireFloats(a, b)
    requireShape(b, a.shape)
    return [float(...a.shape)]
  },
  gatherRows: ([x, rows]) => {
    requireFloats(x)
    requireWhole(rows, 1)
    require(x.shape.length === 3, 'x [B,S,C]', x)
    return [float(dimAt(rows, 0), lastDim(x))]
  },
  gatherRowsBackward: ([dy, rows, like]) => {
    requireFloats(dy)
    requireWhole(rows, 1)
    require(like.shape.length === 3, 'like [B,S,C]', like)
    requireShape(dy, [dimAt(rows, 0), lastDim(like)])
    return [float(...like.shape)]
  },
  softmaxCrossEntropy: ([logits, targets, weights]) => {
    requireFloats(logits, weights)
    requireWhole(targets, 1)
    require(logits.shape.length === 2, 'logits [L,V]', logits)
    requireShape(targets, [dimAt(logits, 0)])
    requireShape(weights, targets.shape)
    return [float(dimAt(logits, 0)), float(...logits.shape)]
  },
  multiplyRows: ([x, factors]) => {
    requireFloats(x, factors)
    require(x.shape.length === 2, 'x [L,V]', x)
    requireShape(factors, [dimAt(x, 0)])
    return [float(...x.shape)]
  },
  ones: ([like]) => {
    requireFloats(like)
    return [float(...like.shape)]
  },
  tie: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
}

/** Types of a node's results, re-derived from its operands. */
export function inferTypes<K extends OpKind>(
  kind: K,
  inputs: Readonly<OpTable[K]['inputs']>,
  attributes: Readonly<OpTable[K]['attributes']>,
): readonly ValueType[] {
  try {
    return typeRules[kind](inputs, attributes) as readonly ValueType[]
  } catch (error) {
    if (error instanceof GraphError) throw new GraphError(`${kind}: ${error.message}`)
    throw error
  }
}

/** `inferTypes` for a node whose kind is not known while compiling. */
export function inferNodeTypes(node: OpNode): readonly ValueType[] {
  return inferTypes(
    node.kind,
    node.inputs as Readonly<OpTable[OpKind]['inputs']>,
    node.attributes as Readonly<OpTable[OpKind]['attributes']>,
  )
}

// Cases of our attention operators: chance inputs, what the operators give, and what the interpreter gives in float64.
import { boolean, float, integer } from '#backends/tensorflow/graph-def.ts'
import { GraphBuilder, interpret, type NumericTensor } from '#engine/index.ts'
import type { OpTable } from '#engine/ir/types.ts'
import { counterRandom } from '#engine/random.ts'
import { type Attributes, type Given, runOperator } from './run-operator.ts'

export interface AttentionCase {
  readonly rows?: number
  readonly length: number
  readonly heads: number
  readonly keyHeads: number
  readonly width: number
  readonly causal?: boolean
  readonly window?: number
  readonly sharesStart?: boolean
  /** Documents of a row, in positions; the last one may be the padding behind a row. */
  readonly documents?: (row: number) => readonly number[]
  /** How large scores are. */
  readonly factor?: number
}

export interface AttentionInputs {
  readonly rows: number
  readonly q: Float32Array
  readonly k: Float32Array
  readonly v: Float32Array
  readonly dOut: Float32Array
  readonly segments: Int32Array | null
}

export interface AttentionResults {
  readonly out: ArrayLike<number>
  readonly logSums: ArrayLike<number>
  readonly dq: ArrayLike<number>
  readonly dk: ArrayLike<number>
  readonly dv: ArrayLike<number>
}

export function inputsOf(one: AttentionCase): AttentionInputs {
  const rows = one.rows ?? 1
  const numbers = (name: string, heads: number, factor = 1): Float32Array => {
    const random = counterRandom(17, `${JSON.stringify(one)} ${name}`)
    const count = rows * one.length * heads * one.width
    return Float32Array.from({ length: count }, (_, i) => factor * 2 * (2 * random(i) - 1))
  }
  return {
    rows,
    q: numbers('q', one.heads, one.factor),
    k: numbers('k', one.keyHeads),
    v: numbers('v', one.keyHeads),
    dOut: numbers('dOut', one.heads),
    segments: one.documents ? segmentsOf(one, one.documents) : null,
  }
}

/** Documents of a row are numbered upwards. */
function segmentsOf({ rows = 1, length }: AttentionCase, documents: (row: number) => readonly number[]) {
  const segments = Array.from({ length: rows }, (_, row) =>
    documents(row).flatMap((positions, index) => Array<number>(positions).fill(index)),
  )
  if (segments.some((each) => each.length !== length))
    throw new Error(`Documents that are not ${length} long.`)
  return Int32Array.from(segments.flat())
}

const scaleOf = ({ width }: AttentionCase): number => Math.fround(1 / Math.sqrt(width))

export const attributesOf = (one: AttentionCase, gives = { full: true, half: false }): Attributes => ({
  heads: integer(one.heads),
  key_heads: integer(one.keyHeads),
  scale: float(scaleOf(one)),
  causal: boolean(one.causal ?? true),
  window: integer(one.window ?? 0),
  shares_start: boolean(one.sharesStart ?? false),
  gives_full: boolean(gives.full),
  gives_half: boolean(gives.half),
})

/** What both operators take first. */
export function operandsOf(
  one: AttentionCase,
  { rows, q, k, v, segments }: AttentionInputs,
): readonly Given[] {
  const places = rows * one.length
  const ofKeys = [places, one.keyHeads * one.width]
  return [
    { shape: [places, one.heads * one.width], data: q },
    { shape: ofKeys, data: k },
    { shape: ofKeys, data: v },
    { shape: [1], data: Int32Array.of(one.length) },
    segments ? { shape: [rows, one.length], data: segments } : { shape: [0], data: new Int32Array(0) },
  ]
}

export function byOperators(one: AttentionCase, inputs: AttentionInputs, threads?: number): AttentionResults {
  const operands = operandsOf(one, inputs)
  const attributes = attributesOf(one)
  const [out, , logSums] = runOperator('TunewrightAttention', operands, attributes, 3, threads)
  const sums = { shape: [inputs.rows, one.heads, one.length], data: logSums! }
  const given = [...operands, { shape: operands[0]!.shape, data: inputs.dOut }, sums]
  const [dq, dk, dv] = runOperator('TunewrightAttentionBackward', given, attributes, 4, threads)
  return { out: out!, logSums: logSums!, dq: dq!, dk: dk!, dv: dv! }
}

export function byInterpreter(one: AttentionCase, inputs: AttentionInputs): AttentionResults {
  const b = new GraphBuilder()
  const [wide, narrow] = [one.heads * one.width, one.keyHeads * one.width]
  const q = b.input('q', 'float32', ['B', 'S', wide])
  const k = b.input('k', 'float32', ['B', 'S', narrow])
  const v = b.input('v', 'float32', ['B', 'S', narrow])
  const dOut = b.input('dOut', 'float32', ['B', 'S', wide])
  const segments = inputs.segments ? b.input('segments', 'int64', ['B', 'S']) : null
  const attributes = {
    heads: one.heads,
    kvHeads: one.keyHeads,
    scale: scaleOf(one),
    causal: one.causal ?? true,
    window: one.window ?? null,
    softCap: null,
    sharesStart: one.sharesStart ?? false,
  }
  const forward: OpTable['attention']['inputs'] = [q, k, v, segments, segments, null, null]
  b.inRegion('layer.0', () => {
    const made = b.add('attention', forward, attributes, 'out', 'logSums')
    const gradients = b.add('attentionBackward', [dOut, ...made, ...forward], attributes, 'dq', 'dk', 'dv')
    for (const value of [...made, ...gradients]) b.output(value)
  })
  const shaped = (data: Float32Array, width: number): NumericTensor => ({
    shape: [inputs.rows, one.length, width],
    data,
  })
  const feeds = new Map<string, NumericTensor>([
    ['q', shaped(inputs.q, wide)],
    ['k', shaped(inputs.k, narrow)],
    ['v', shaped(inputs.v, narrow)],
    ['dOut', shaped(inputs.dOut, wide)],
  ])
  if (inputs.segments)
    feeds.set('segments', {
      shape: [inputs.rows, one.length],
      data: BigInt64Array.from(inputs.segments, BigInt),
    })
  const results = interpret(b.build(), feeds, 'float64')
  const of = (name: string): ArrayLike<number> => results.get(name)!.data as Float64Array
  return { out: of('out'), logSums: of('logSums'), dq: of('dq'), dk: of('dk'), dv: of('dv') }
}

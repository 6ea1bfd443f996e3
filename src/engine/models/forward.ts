// What a forward graph is built from: a builder, weights by name, graph inputs declared as they are needed, and how the
// graph attends. graphs/body-graph.ts makes one; body.ts and output.ts build with it.
import type { GraphBuilder } from '../ir/graph-builder.ts'
import type { AttentionAttributes, Dim, DType, Value } from '../ir/types.ts'
import type { LinearDescription, ModelConfig, RopeName } from './config.ts'

/** Weights of a model under a training method. */
export interface BoundWeights {
  /** The weight of this Hugging Face name; an unknown name is a bug. */
  weight(name: string): Value
  /** linear(x) of a block's linear layer, with adapter where the method has one; plus `addend` [...,O] if given. */
  project(linear: LinearDescription, x: Value, addend: Value | null): Value
}

/** One attention of a block. What else is hidden or remembered is the graph's matter. */
export interface AttentionRequest {
  readonly layer: number
  readonly kind: 'self' | 'cross'
  /** A printable name for the result, 'layer.3.attention'. */
  readonly name: string
  /** [B,S,H*D] */
  readonly q: Value
  /** [B,T,K*D] */
  readonly k: Value
  readonly v: Value
  /** int64 [B,S] and [B,T]; null where nothing is packed or padded that could be seen. */
  readonly querySegments: Value | null
  readonly keySegments: Value | null
  /** float32 [S,T,H] */
  readonly bias: Value | null
  readonly attributes: AttentionAttributes
}

export type Half = 'encoder' | 'decoder'

export interface ForwardContext {
  readonly builder: GraphBuilder
  readonly config: ModelConfig
  readonly weights: BoundWeights
  readonly inputs: ForwardInputs
  /**
   * Rows of a decoder hold several documents: 'segments' tells which sees which. Encoders are always fed it. Of a
   * sequence-to-sequence model they are several targets of one source, by 'decoder.documents'.
   */
  readonly isPacked: boolean
  /** What the documents of a row begin with, all alike, lies once before them: segment 0, which every one of them sees. */
  readonly sharesStart: boolean
  /** 'embedding.noise' is added to the embedded tokens (NEFTune). */
  readonly hasEmbeddingNoise: boolean
  /** The first block that is computed: from 1 on the graph is fed 'hidden' [B,S,C], the input of that block, not 'ids'. */
  readonly fromLayer: number
  /** The body stops before this block: its result is the input of that block [B,S,C]. Null: it goes to the end. */
  readonly toLayer: number | null
  /**
   * Of a sequence-to-sequence model: 'encoder' stops at what the decoder looks at [B,S,C], 'decoder' is fed that as
   * 'hidden'. Null: both.
   */
  readonly half: Half | null
  attend(request: AttentionRequest): Value
}

const inputShapes = {
  ids: ['B', 'S'],
  positions: ['B', 'S'],
  segments: ['B', 'S'],
  types: ['B', 'S'],
  buckets: ['S', 'S'],
  'decoder.ids': ['B', 'T'],
  'decoder.segments': ['B', 'T'],
  'decoder.documents': ['B', 'T'],
  'decoder.buckets': ['T', 'T'],
} as const satisfies Readonly<Record<string, readonly Dim[]>>

/** int64 inputs of a body (their shapes: docs/engine.md, "Graphs"). */
export type WholeInput = keyof typeof inputShapes

/** float32 inputs [B,S,C] of a body. */
export type WideInput = 'hidden' | 'embedding.noise'

/** Graph inputs and rotary tables of a body: a graph has those that something asked for. */
export interface ForwardInputs {
  whole(name: WholeInput): Value
  wide(name: WideInput): Value
  /** Frozen parameters '<name>.cos' and '<name>.sin' [P,R/2] (see `ropeWeights`). */
  rope(name: RopeName): { readonly cos: Value; readonly sin: Value }
}

export function forwardInputs(builder: GraphBuilder, config: ModelConfig): ForwardInputs {
  const declared = new Map<string, Value>()
  const once = (name: string, declare: () => Value): Value => {
    const value = declared.get(name) ?? declare()
    declared.set(name, value)
    return value
  }
  const input = (name: string, dtype: DType, shape: readonly Dim[]): Value =>
    once(name, () => builder.input(name, dtype, shape))
  return {
    whole: (name) => input(name, 'int64', inputShapes[name]),
    wide: (name) => input(name, 'float32', ['B', 'S', config.hidden]),
    rope(name) {
      const width = config.rope.find((table) => table.name === name)?.width
      if (width === undefined) throw new Error(`the model has no rotary table ${name}`)
      const half = (part: 'cos' | 'sin'): Value =>
        once(`${name}.${part}`, () => builder.parameter(`${name}.${part}`, ['P', width / 2], false))
      return { cos: half('cos'), sin: half('sin') }
    },
  }
}

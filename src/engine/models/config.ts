// What the engine knows of a model: a description of its embedding, blocks, rotary tables and output, as data.
// families.ts reads it from config.json; shapes.ts, forward.ts and sizes.ts compute from it and ask for no family.
import type { LinearName } from '#shared/recipe.ts'
import type { Activation } from '../ir/types.ts'

/** What a graph is asked for. `classes` is at least 1. */
export type Task =
  | { readonly kind: 'language-model' }
  | {
      readonly kind: 'sequence-classes'
      readonly classes: number
      /** One linear layer on the mean of a text's states, instead of the family's head on the state of one token. */
      readonly isAveraged?: boolean
    }
  | { readonly kind: 'token-classes'; readonly classes: number }

export const languageModel: Task = { kind: 'language-model' }

export type RopeScaling =
  | { readonly kind: 'none' }
  /** All frequencies divided by `factor` (Chen et al. 2023, position interpolation). */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Low frequencies divided by `factor`, high ones kept, a smooth step between (Llama 3.1). */
  | {
      readonly kind: 'llama3'
      readonly factor: number
      readonly lowFrequencyFactor: number
      readonly highFrequencyFactor: number
      readonly originalMaxPositions: number
    }
  /** As llama3 with a linear step between counts of turns, and scores made larger (Peng et al. 2023). */
  | {
      readonly kind: 'yarn'
      readonly factor: number
      readonly fastTurns: number
      readonly slowTurns: number
      readonly originalMaxPositions: number
      /** Whether the borders of the step are whole dimensions. */
      readonly isTruncated: boolean
      /** Cosines and sines are multiplied by it. */
      readonly magnitude: number
    }
  /** A factor for every frequency, of its own for tables longer than `originalMaxPositions` (Ding et al. 2024). */
  | {
      readonly kind: 'longrope'
      readonly shortFactors: readonly number[]
      readonly longFactors: readonly number[]
      readonly originalMaxPositions: number
      readonly magnitude: number
    }

/** 'rope.local' turns the blocks with a window where they have frequencies of their own (Gemma 3). */
export type RopeName = 'rope' | 'rope.local'

/** A graph binds it as '<name>.cos' and '<name>.sin' [P,R/2]. */
export interface RopeTable {
  readonly name: RopeName
  /** R: so many numbers of each head are turned, the others stay. */
  readonly width: number
  /** Base of the geometric series of frequencies. */
  readonly theta: number
  readonly scaling: RopeScaling
}

export interface NormDescription {
  readonly kind: 'rms' | 'layer'
  /** Added to the weights of an RMS norm. */
  readonly offset: 0 | 1
  readonly epsilon: number
}

/** A linear layer below a block, e.g. 'self_attn.q_proj'. */
export interface LinearTemplate {
  readonly roles: readonly LinearName[]
  readonly path: string
  readonly inputWidth: number
  readonly outputWidth: number
  readonly hasBias: boolean
  readonly isInputFirst: boolean
}

/** A linear layer of a model. */
export interface LinearDescription extends LinearTemplate {
  /** What it stands for; a fused projection stands for several. Targets of a recipe choose by role. */
  readonly roles: readonly LinearName[]
  /** Hugging Face's path from the model's top, without '.weight': 'model.layers.3.self_attn.q_proj'. */
  readonly path: string
  /** The weight is stored [inputs, outputs] instead of [outputs, inputs] (GPT-2). */
  readonly isInputFirst: boolean
}

/**
 * y = sum(x + scale * branch(f(before(x)))), where f is the attention or the MLP. Names are below the block; null: no
 * norm there. Llama has `before`, OLMo 2 `branch`, Gemma both, BERT `sum`.
 */
export interface SublayerNorms {
  readonly before: string | null
  readonly branch: string | null
  readonly sum: string | null
}

/** 'fused': one projection, all queries, then all keys, then all values; 'fused-heads': so for each head (GPT-NeoX). */
export type Projections = 'separate' | 'fused' | 'fused-heads'

export interface AttentionSublayer {
  /** 'cross': keys and values come from the encoder. */
  readonly kind: 'self' | 'cross'
  readonly norms: SublayerNorms
  /** In the order in which they are computed; the last one writes to the residual stream. */
  readonly linears: readonly LinearTemplate[]
  readonly projections: Projections
  /** Norms of queries and keys before rotation, each head by itself or all heads together; weights [D] or [H*D], [K*D]. */
  readonly queryKeyNorms: {
    readonly query: string
    readonly key: string
    readonly over: 'head' | 'width'
  } | null
}

export interface MlpSublayer {
  readonly kind: 'mlp'
  readonly norms: SublayerNorms
  readonly linears: readonly LinearTemplate[]
  readonly activation: Activation
  /** activation(gate(x)) * up(x) instead of activation(up(x)). */
  readonly isGated: boolean
}

export type Sublayer = AttentionSublayer | MlpSublayer

/** What all blocks of a stack have in common. */
export interface BlockForm {
  readonly sublayers: readonly Sublayer[]
  /** Every sublayer reads the block's input, and their results are added (GPT-J, GPT-NeoX). */
  readonly isParallel: boolean
  /** Query i sees key j only for j <= i. */
  readonly isCausal: boolean
}

/** One block: where its weights are, and what differs from block to block. */
export interface BlockDescription {
  /** 'model.layers.3' */
  readonly path: string
  readonly form: BlockForm
  /** Scores are multiplied by it. */
  readonly attentionScale: number
  /** Table that queries and keys are turned by; null: none. */
  readonly rope: RopeName | null
  /** Keys at this distance or further are not seen. */
  readonly window: number | null
}

export interface EmbeddingDescription {
  /** Weight [V,C] */
  readonly tokens: string
  /** Rows of the token table are multiplied by it. */
  readonly scale: number
  /** Weight of learned positions [rows,C]. */
  readonly positions: { readonly name: string; readonly rows: number } | null
  /** Weight of token types [rows,C] (BERT). */
  readonly types: { readonly name: string; readonly rows: number } | null
  /** Norm of the sum. */
  readonly norm: string | null
}

/** One linear layer of a classification head, row by row. */
export interface HeadStep {
  readonly path: string
  readonly outputs: 'hidden' | 'classes'
  readonly hasBias: boolean
  readonly activation: Activation | null
}

export interface OutputDescription {
  /** Weight [V,C] of a language model; null where there is none (encoders). */
  readonly weight: string | null
  /** Logits are multiplied by it, then capped: cap * tanh(logit / cap). */
  readonly scale: number
  readonly softCap: number | null
  /** Heads in the family's Hugging Face form; null where it has none. */
  readonly heads: Readonly<Record<'sequence-classes' | 'token-classes', readonly HeadStep[]>> | null
  /** The token whose state a text is classified by. */
  readonly textToken: 'first' | 'last'
}

/** Bias of scores by distance, one table [buckets,H] for each side (T5). */
export interface RelativePositions {
  readonly buckets: number
  readonly maxDistance: number
  readonly encoder: string
  readonly decoder: string
}

/** 'decoder': causal; 'encoder': sees both ways; 'sequence-to-sequence': an encoder, and a decoder that looks at it. */
export type ModelKind = 'decoder' | 'encoder' | 'sequence-to-sequence'

/** What a family reads from config.json. */
export interface ModelDescription {
  /** `model_type` of config.json. */
  readonly family: string
  readonly kind: ModelKind
  /** V */
  readonly vocabulary: number
  /** C, width of the residual stream */
  readonly hidden: number
  /** I, width inside the MLP */
  readonly intermediate: number
  /** All blocks; of a sequence-to-sequence model those of the encoder come first. */
  readonly layers: number
  /** How many of them are the encoder's, where there is a decoder besides. */
  readonly encoderLayers: number
  /** H query heads, K key/value heads, each D wide */
  readonly heads: number
  readonly kvHeads: number
  readonly headWidth: number
  /** Positions the model was made for, the first one at `positionOffset`. */
  readonly maxPositions: number
  /** Position of a text's first token (RoBERTa begins behind its padding token's). */
  readonly positionOffset: number
  /** The output projection is the embedding table itself. */
  readonly tiedEmbeddings: boolean
  readonly norm: NormDescription
  readonly embedding: EmbeddingDescription
  readonly blocks: readonly BlockDescription[]
  /** What sublayers add to the residual stream is multiplied by it (Granite). */
  readonly branchScale: number
  /** Scores are capped: cap * tanh(score / cap) (Gemma 2). */
  readonly attentionSoftCap: number | null
  readonly rope: readonly RopeTable[]
  readonly relativePositions: RelativePositions | null
  /** Norms after the last block; of a sequence-to-sequence model also that of the encoder. */
  readonly finalNorm: string | null
  readonly encoderNorm: string | null
  /** Of a sequence-to-sequence model: the token that its decoder's input begins with. */
  readonly decoderStart: number | null
  readonly output: OutputDescription
}

export interface ModelConfig extends ModelDescription {
  /** How names of the body begin in the weight file, and in the transformers class that has a head ('bert.'). */
  readonly filePrefix: string
  readonly classPrefix: string
  /** An encoder without any head, as encoders of sentences are published: the mean of its states stands for a text. */
  readonly isSentenceEncoder: boolean
}

export interface NamedShape {
  readonly name: string
  readonly shape: readonly number[]
}

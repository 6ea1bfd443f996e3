// What the engine knows of a model: its family, sizes and names. families.ts reads them from config.json.
import type { LinearName } from '#shared/recipe.ts'

export type FamilyId = 'llama'

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

export interface RopeConfig {
  /** Base of the geometric series of frequencies. */
  readonly theta: number
  readonly scaling: RopeScaling
}

export interface ModelConfig {
  readonly family: FamilyId
  /** V */
  readonly vocabulary: number
  /** C, width of the residual stream */
  readonly hidden: number
  /** I, width inside the gated MLP */
  readonly intermediate: number
  readonly layers: number
  /** H query heads, K key/value heads, each D wide */
  readonly heads: number
  readonly kvHeads: number
  readonly headWidth: number
  readonly normEpsilon: number
  /** Positions the model was made for. */
  readonly maxPositions: number
  readonly rope: RopeConfig
  readonly attentionBias: boolean
  readonly mlpBias: boolean
  /** The output projection is the embedding table itself. */
  readonly tiedEmbeddings: boolean
}

/** Hugging Face's name of what lies at `path` below a block, e.g. 'model.layers.3.self_attn.q_proj.weight'. */
export const blockName = (layer: number, path: string): string => `model.layers.${layer}.${path}`

/** One linear layer of a block: weight [outputWidth, inputWidth] at `path` below the block. */
export interface LinearDescription {
  readonly name: LinearName
  /** Hugging Face's path inside the block, e.g. 'self_attn.q_proj'. */
  readonly path: string
  readonly inputWidth: number
  readonly outputWidth: number
  readonly hasBias: boolean
}

export interface NamedShape {
  readonly name: string
  readonly shape: readonly number[]
}

// The body of a model under a method, as all graphs begin: inputs and weights declared, blocks built, and how they attend.
import { GraphBuilder } from '../ir/graph-builder.ts'
import type { Value } from '../ir/types.ts'
import { bindWeights } from '../methods/bind-weights.ts'
import { lowestTrainedLayer, type MethodSpec } from '../methods/methods.ts'
import { buildBody } from '../models/body.ts'
import { languageModel, type ModelConfig, type Task } from '../models/config.ts'
import { type ForwardContext, forwardInputs, type Half } from '../models/forward.ts'

export interface BodyOptions {
  /** What is asked of the model: its next token where nothing is said. */
  readonly task?: Task
  /**
   * Rows of a decoder hold several documents: 'segments' int64 [B,S] is fed, and none sees another. Of a
   * sequence-to-sequence model: several targets of one source, by 'decoder.documents' int64 [B,T].
   */
  readonly isPacked?: boolean
  /** With isPacked: documents see the places of segment 0 too, the start that they have in common (collate.ts). */
  readonly sharesStart?: boolean
  /** Begin at this block: 'hidden' float32 [B,S,C] (see `buildPrefixGraph`) is fed in place of 'ids'. */
  readonly fromLayer?: number
}

export interface Body {
  readonly context: ForwardContext
  readonly task: Task
  /** [B,S,C] after the final norm; of a sequence-to-sequence model the decoder's [B,T,C]. */
  readonly hidden: Value
}

/** How a graph's blocks attend; it may declare inputs and outputs of its own. */
export type Attend = (builder: GraphBuilder) => ForwardContext['attend']

/** Every position is there at once: a decoder's sees itself and earlier ones, an encoder's all. */
export const attendWhole: Attend =
  (builder) =>
  ({ name, q, k, v, querySegments, keySegments, bias, attributes }) =>
    builder.add(
      'attention',
      [q, k, v, querySegments, keySegments, null, bias],
      attributes,
      name,
      `${name}.log_sum_exp`,
    )[0]

interface BodyRequest extends BodyOptions {
  readonly config: ModelConfig
  readonly method: MethodSpec
  readonly attending: Attend
  readonly hasEmbeddingNoise?: boolean
  /** Stop before this block: `hidden` is its input. */
  readonly toLayer?: number
  /** Of a sequence-to-sequence model: only this half. */
  readonly half?: Half
}

export function startGraph(request: BodyRequest): Body {
  const { config, method, task = languageModel, fromLayer = 0, toLayer = null } = request
  if (fromLayer > lowestTrainedLayer(config, method))
    throw new Error(`block ${fromLayer} lies above the lowest trained one`)
  if (fromLayer > 0 && request.hasEmbeddingNoise)
    throw new Error('noise on the embeddings does not reach a graph that begins above them')
  const builder = new GraphBuilder()
  const inputs = forwardInputs(builder, config)
  const attend = request.attending(builder)
  const context: ForwardContext = {
    builder,
    config,
    weights: bindWeights(builder, config, method, task),
    inputs,
    isPacked: request.isPacked ?? false,
    sharesStart: request.sharesStart ?? false,
    hasEmbeddingNoise: request.hasEmbeddingNoise ?? false,
    fromLayer,
    toLayer,
    half: request.half ?? null,
    attend,
  }
  return { context, task, hidden: buildBody(context) }
}

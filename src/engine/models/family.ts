// What a model family must say of itself: how it reads its config, its linears and weights, how it computes.
// A family is one such value in the table of families.ts; an omitted field does not compile.
import type { Value } from '../ir/types.ts'
import type { LinearDescription, ModelConfig, NamedShape } from './config.ts'
import type { ConfigObject } from './config-fields.ts'
import type { ForwardContext } from './forward.ts'

export interface Family {
  /** Values of `model_type` in config.json that this family computes. */
  readonly modelTypes: readonly string[]
  /** Reads and checks config.json; throws ProblemError. */
  readonly readConfig: (config: ConfigObject) => ModelConfig
  /** The linear layers of one block, in the order in which they are computed. */
  readonly linears: (config: ModelConfig) => readonly LinearDescription[]
  /** Every weight by Hugging Face's name, in the order of the model. */
  readonly parameters: (config: ModelConfig) => readonly NamedShape[]
  /** Adds the body from token ids to the final norm: [B,S,C]. */
  readonly buildBody: (context: ForwardContext) => Value
  /** Name of the weight [V,C] that turns the body's result into logits. */
  readonly outputWeight: (config: ModelConfig) => string
}

// What a model family must say of itself, and what readings of families share. A family is one such value in the table
// of families.ts.
import type { LinearName } from '#shared/recipe.ts'
import type { BlockDescription, BlockForm, HeadStep, LinearTemplate, ModelDescription } from './config.ts'
import { type ConfigObject, configProblem, readSize } from './config-fields.ts'

export interface Family {
  /** Values of `model_type` in config.json that this family computes. */
  readonly modelTypes: readonly string[]
  /** How the names of its body begin: first as in the class with a head, then as files have them besides. */
  readonly prefixes: readonly string[]
  /** The embedding table below the prefix, by which the prefix of a weight file is found. */
  readonly embeddingName: string
  /** Beginnings of names that its weight files may hold besides, below the prefix or not: other heads, old copies. */
  readonly besides: readonly string[]
  /** Reads and checks config.json; throws ProblemError. `names` of the weights, where there is a weight file. */
  readonly readConfig: (config: ConfigObject, prefix: string, names: ReadonlySet<string>) => ModelDescription
}

/** Heads, K key/value heads and their width, checked against each other. */
export function readGroupedHeads(
  config: ConfigObject,
  defaultHeadWidth?: number,
): { hidden: number; heads: number; kvHeads: number; headWidth: number } {
  const hidden = readSize(config, 'hidden_size')
  const heads = readSize(config, 'num_attention_heads')
  const kvHeads = readSize(config, 'num_key_value_heads', heads)
  if (heads % kvHeads !== 0)
    throw configProblem('num_key_value_heads', `a divisor of ${heads} attention heads`, kvHeads)
  const headWidth = readSize(config, 'head_dim', defaultHeadWidth ?? hidden / heads)
  return { hidden, heads, kvHeads, headWidth }
}

/** Heads that divide the width among them. */
export function readHeads(
  config: ConfigObject,
  keys: { readonly hidden: string; readonly heads: string },
): { hidden: number; heads: number; headWidth: number } {
  const hidden = readSize(config, keys.hidden)
  const heads = readSize(config, keys.heads)
  if (hidden % heads !== 0) throw configProblem(keys.heads, `a divisor of the width ${hidden}`, heads)
  return { hidden, heads, headWidth: hidden / heads }
}

/** Blocks of one form, numbered below a path. */
export function numberedBlocks(
  path: string,
  layers: number,
  form: BlockForm,
  describe: (layer: number) => Pick<BlockDescription, 'attentionScale' | 'rope' | 'window'>,
): readonly BlockDescription[] {
  return Array.from({ length: layers }, (_, layer) => ({
    path: `${path}.${layer}`,
    form,
    ...describe(layer),
  }))
}

export const linear = (
  roles: readonly LinearName[],
  path: string,
  inputWidth: number,
  outputWidth: number,
  hasBias: boolean,
): LinearTemplate => ({ roles, path, inputWidth, outputWidth, hasBias, isInputFirst: false })

export const headStep = (
  path: string,
  outputs: HeadStep['outputs'],
  hasBias: boolean,
  activation: HeadStep['activation'] = null,
): HeadStep => ({ path, outputs, hasBias, activation })

/** A language model's file may hold heads for classes, and a classifier's file an output that is tied. */
export const decoderBesides: readonly string[] = ['lm_head.', 'score.', 'classifier.', 'qa_outputs.']

/** A causal model's heads: one linear layer, without bias where it classifies a text. */
export const decoderHeads = (tokenHead: string): NonNullable<ModelDescription['output']['heads']> => ({
  'sequence-classes': [headStep('score', 'classes', false)],
  'token-classes': [headStep(tokenHead, 'classes', true)],
})

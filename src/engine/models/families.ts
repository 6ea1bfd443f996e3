// The table of model families, and the reading of a config by it. Refuses unknown families.
import type { Result } from '#shared/result.ts'
import { attempt, ProblemError } from '#shared/result.ts'
import type { ModelConfig } from './config.ts'
import { type ConfigObject, configProblem, isObject } from './config-fields.ts'
import { encoderFamilies } from './encoder-families.ts'
import type { Family } from './family.ts'
import { gemmaFamilies } from './gemma-families.ts'
import { gptFamilies } from './gpt-families.ts'
import { llamaFamilies } from './llama-families.ts'
import { t5Family } from './t5-family.ts'

const families: readonly Family[] = [
  ...llamaFamilies,
  ...gemmaFamilies,
  ...gptFamilies,
  ...encoderFamilies,
  t5Family,
]

/** Values of `model_type` that `parseModelConfig` accepts. */
export const knownModelTypes: readonly string[] = families.flatMap((family) => family.modelTypes)

function findFamily(modelType: unknown): Family {
  const family = families.find((candidate) => candidate.modelTypes.some((known) => known === modelType))
  if (family) return family
  throw new ProblemError({
    code: 'model.unsupported-family',
    message: `This model is of the family ${JSON.stringify(modelType)?.slice(0, 80) ?? 'unknown'}, which cannot be trained here.`,
    where: 'config.json, model_type',
    remedy: `Choose a model of one of these families: ${knownModelTypes.join(', ')}.`,
  })
}

/** Buffers of old checkpoints that nothing computes with: masks, frequencies. */
const buffers = /\.(rotary_emb\.inv_freq|attn\.(bias|masked_bias)|attention\.(bias|masked_bias))$/

/** Whether a weight file of the model may hold this tensor although the model has no such weight. */
export function mayHoldBesides({ family }: ModelConfig, name: string): boolean {
  const { prefixes, besides } = findFamily(family)
  return (
    buffers.test(name) ||
    besides.some((part) => name.startsWith(part) || prefixes.some((prefix) => name.startsWith(prefix + part)))
  )
}

/** How the names of a weight file begin; as a model with a head is saved where there is no such file. */
const findPrefix = ({ prefixes, embeddingName }: Family, names: ReadonlySet<string>): string =>
  prefixes.find((prefix) => names.has(prefix + embeddingName)) ?? prefixes[0] ?? ''

function readConfig(config: ConfigObject, names: ReadonlySet<string>): ModelConfig {
  const family = findFamily(config.model_type)
  if (config.quantization_config !== undefined && config.quantization_config !== null)
    throw configProblem('quantization_config', 'weights that are not quantised', config.quantization_config)
  const filePrefix = findPrefix(family, names)
  const classPrefix = family.prefixes[0] ?? ''
  const description = family.readConfig(config, filePrefix, names)
  const isBare = Array.isArray(config.architectures) && /Model$/.test(String(config.architectures[0]))
  return {
    ...description,
    filePrefix,
    classPrefix,
    isSentenceEncoder: description.kind === 'encoder' && isBare,
  }
}

/**
 * Reads a Hugging Face config.json. `weightNames` are those of the weight file: a body saved without its head has no
 * prefix ('bert.', 'model.'), and T5's output table is its own where the file has one. Problems:
 * model.unsupported-family, model.invalid-config.
 */
export function parseModelConfig(
  hfConfigJson: unknown,
  weightNames: Iterable<string> = [],
): Result<ModelConfig> {
  return attempt(() => {
    if (!isObject(hfConfigJson)) throw configProblem('the whole file', 'an object', hfConfigJson)
    return readConfig(hfConfigJson, new Set(weightNames))
  })
}

// The table of model families, and what the engine asks of a model by its config. Refuses unknown families.
import type { Result } from '#shared/result.ts'
import { attempt, ProblemError } from '#shared/result.ts'
import type { FamilyId, LinearDescription, ModelConfig, NamedShape } from './config.ts'
import { configProblem, isObject } from './config-fields.ts'
import type { Family } from './family.ts'
import { llamaFamily } from './llama.ts'

const families: { readonly [Id in FamilyId]: Family } = { llama: llamaFamily }

export const familyOf = (config: ModelConfig): Family => families[config.family]

/** Values of `model_type` that `parseModelConfig` accepts. */
const knownModelTypes: readonly string[] = Object.values(families).flatMap((family) => family.modelTypes)

function findFamily(modelType: unknown): Family {
  const family = Object.values(families).find((candidate) =>
    candidate.modelTypes.some((known) => known === modelType),
  )
  if (family) return family
  throw new ProblemError({
    code: 'model.unsupported-family',
    message: `This model is of the family ${JSON.stringify(modelType)?.slice(0, 80) ?? 'unknown'}, which cannot be trained here.`,
    where: 'config.json, model_type',
    remedy: `Choose a model of one of these families: ${knownModelTypes.join(', ')}.`,
  })
}

/** Reads a Hugging Face config.json. Problems: model.unsupported-family, model.invalid-config. */
export function parseModelConfig(hfConfigJson: unknown): Result<ModelConfig> {
  return attempt(() => {
    if (!isObject(hfConfigJson)) throw configProblem('the whole file', 'an object', hfConfigJson)
    return findFamily(hfConfigJson.model_type).readConfig(hfConfigJson)
  })
}

/** Every weight of the model by Hugging Face's name and shape; `lm_head.weight` is absent when tied. */
export function parameterShapes(config: ModelConfig): readonly NamedShape[] {
  return familyOf(config).parameters(config)
}

/** The linear layers of one block, in the order in which they are computed. */
export function layerLinears(config: ModelConfig): readonly LinearDescription[] {
  return familyOf(config).linears(config)
}

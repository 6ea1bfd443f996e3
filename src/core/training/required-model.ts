// The model that a run began from, as it must be there for the run to be done once more or to go on.
import type { RunDetail } from '#shared/journal-types.ts'
import { ok, type Result } from '#shared/result.ts'
import { showModel } from '../models/model-library.ts'
import type { Library } from '../system/library.ts'
import { otherModel, type Refused, withoutPart } from './training-problems.ts'

/** `refused`: what the run cannot be. Problems: model.unknown, model.damaged. */
export async function requireModelOf(
  library: Library,
  { recipe, modelName }: Pick<RunDetail, 'recipe' | 'modelName'>,
  refused: Refused,
): Promise<Result<void>> {
  const { id, weightsSha256 } = recipe.model
  const model = await showModel(library, id)
  if (!model.ok)
    return { ok: false, problem: withoutPart(refused, `its model, ${modelName},`, model.problem) }
  return model.value.weightsSha256 === weightsSha256
    ? ok(undefined)
    : { ok: false, problem: otherModel(modelName, model.value.weightsSha256, weightsSha256) }
}

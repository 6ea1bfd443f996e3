// Three ways to train, as recipe fields by path. A preset says how long and how carefully, never which data.
import type { ModelConfig } from '#engine/index.ts'
import type { PresetId } from '#shared/contract/index.ts'
import type { ScenarioId } from '#shared/recipe.ts'

/** What of a model a preset goes by. */
export type PresetModel = Pick<ModelConfig, 'kind' | 'layers'>
type Changes = Readonly<Record<string, string | number | boolean | null>>

/** A short answer (a label, a name) needs less of everything than a text. */
const hasShortAnswers = (scenario: ScenarioId): boolean =>
  scenario === 'classification' || scenario === 'entity-recognition'

/** Of all blocks so many are trained in a quick look; what lies below is computed once. */
const quickShare = 1 / 3

const headPaces: Readonly<Record<PresetId, Changes>> = {
  quick: { 'duration.epochs': 5, 'evaluation.patience': null },
  balanced: { 'duration.epochs': 30 },
  thorough: { 'duration.epochs': 100, 'evaluation.patience': 4 },
}

/**
 * Quick look: one pass over the rows, a small adapter on the uppermost third of the blocks, to see whether it learns at
 * all. Balanced: the recipe's own defaults. Thorough: more passes at a lower rate, a wider adapter, more patience before
 * it stops early. `model` is null where it is not known yet.
 */
export function presetChanges(preset: PresetId, scenario: ScenarioId, model: PresetModel | null): Changes {
  const always: Changes = {
    // Counts only where blocks rest, and then every later pass is the quicker for it.
    reuseFrozenLayers: model?.kind !== 'sequence-to-sequence',
    // A model that cannot write can only name labels.
    ...(model?.kind === 'encoder' && { 'method.kind': 'head' }),
    // Texts of a field are short or long: one behind the other none waits for another.
    ...(scenario === 'domain' && { 'batch.packing': true }),
  }
  // On states that are kept a pass takes well under a second, and one layer learns at rates that a whole model does not bear.
  if (model?.kind === 'encoder') return { ...always, ...headPaces[preset], 'optimizer.learningRate': 0.01 }
  if (preset === 'quick')
    return {
      ...always,
      'duration.epochs': 1,
      'method.rank': 4,
      'method.alpha': 8,
      'evaluation.patience': null,
      'optimizer.learningRate': hasShortAnswers(scenario) ? 5e-4 : 3e-4,
      ...(model !== null && { 'method.topLayers': Math.ceil(quickShare * model.layers) }),
    }
  if (preset === 'thorough')
    return {
      ...always,
      'duration.epochs': hasShortAnswers(scenario) ? 6 : 5,
      'method.rank': 16,
      'method.alpha': 32,
      'evaluation.patience': 4,
      'optimizer.learningRate': 1e-4,
    }
  return { ...always, 'duration.epochs': 3 }
}

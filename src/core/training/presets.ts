// Three ways to train, as recipe fields by path. A preset says how long and how carefully, never which data.
import type { PresetId } from '#shared/contract/index.ts'
import type { ScenarioId } from '#shared/recipe.ts'

type Changes = Readonly<Record<string, string | number | boolean | null>>

/** A short answer (a label, a name) needs less of everything than a text. */
const hasShortAnswers = (scenario: ScenarioId): boolean =>
  scenario === 'classification' || scenario === 'entity-recognition'

/** Of all blocks so many are trained in a quick look; what lies below is computed once. */
const quickShare = 1 / 3

/**
 * Quick look: one pass over the rows, a small adapter on the uppermost third of the blocks, to see whether it learns at
 * all. Balanced: the recipe's own defaults. Thorough: more passes at a lower rate, a wider adapter, more patience before
 * it stops early. `layers` are the model's blocks; null where they are not known yet.
 */
export function presetChanges(preset: PresetId, scenario: ScenarioId, layers: number | null): Changes {
  // Texts of a field are short or long: one behind the other none waits for another.
  const packed: Changes = scenario === 'domain' ? { 'batch.packing': true } : {}
  if (preset === 'quick')
    return {
      ...packed,
      'duration.epochs': 1,
      'method.rank': 4,
      'method.alpha': 8,
      'evaluation.patience': null,
      'optimizer.learningRate': hasShortAnswers(scenario) ? 5e-4 : 3e-4,
      ...(layers !== null && {
        'method.topLayers': Math.ceil(quickShare * layers),
        reuseFrozenLayers: true,
      }),
    }
  if (preset === 'thorough')
    return {
      ...packed,
      'duration.epochs': hasShortAnswers(scenario) ? 6 : 5,
      'method.rank': 16,
      'method.alpha': 32,
      'evaluation.patience': 4,
      'optimizer.learningRate': 1e-4,
    }
  return { ...packed, 'duration.epochs': 3 }
}

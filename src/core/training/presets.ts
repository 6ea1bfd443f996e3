// Three ways to train, as recipe fields by path. A preset says how long and how carefully, never which data.
import type { PresetId } from '#shared/contract/index.ts'
import type { ScenarioId } from '#shared/recipe.ts'

type Changes = Readonly<Record<string, string | number | boolean | null>>

/** A short answer (a label, a name) needs less of everything than a text. */
const hasShortAnswers = (scenario: ScenarioId): boolean =>
  scenario === 'classification' || scenario === 'entity-recognition'

/**
 * Quick look: one pass over the rows, a small adapter, to see whether it learns at all. Balanced: the recipe's own
 * defaults. Thorough: more passes at a lower rate, a wider adapter, more patience before it stops early.
 */
export function presetChanges(preset: PresetId, scenario: ScenarioId): Changes {
  if (preset === 'quick')
    return {
      'duration.epochs': 1,
      'method.rank': 4,
      'method.alpha': 8,
      'evaluation.patience': null,
      'optimizer.learningRate': hasShortAnswers(scenario) ? 5e-4 : 3e-4,
    }
  if (preset === 'thorough')
    return {
      'duration.epochs': hasShortAnswers(scenario) ? 6 : 5,
      'method.rank': 16,
      'method.alpha': 32,
      'evaluation.patience': 4,
      'optimizer.learningRate': 1e-4,
    }
  return { 'duration.epochs': 3 }
}

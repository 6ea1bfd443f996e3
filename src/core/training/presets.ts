// Three ways to train, as recipe fields by path. A preset says how long and how carefully, never which data.
import type { ModelConfig } from '#engine/index.ts'
import type { PresetId } from '#shared/contract/index.ts'
import type { Recipe, ScenarioId } from '#shared/recipe.ts'
import { isOptimizer, rateFor, usualRates } from './usual-rates.ts'

/** What of a model a preset goes by. */
export type PresetModel = Pick<ModelConfig, 'kind' | 'layers'>
type Changes = Readonly<Record<string, string | number | boolean | null>>
type MethodKind = Recipe['method']['kind']

/** What a person wants trained, and by which optimizer, in place of what the preset says; what is no such kind counts as none. */
export interface ChosenKinds {
  readonly method?: unknown
  readonly optimizer?: unknown
}

/** A short answer (a label, a name) needs less of everything than a text. */
const hasShortAnswers = (scenario: ScenarioId): boolean =>
  scenario === 'classification' || scenario === 'entity-recognition'

/** Of all blocks so many are trained in a quick look; what lies below is computed once. */
const quickShare = 1 / 3

/** Of what is trained, with AdamW; balanced is the usual one. What they go back to stands in docs/training.md. */
const ratesByPace: Readonly<Record<Exclude<MethodKind, 'head'>, Readonly<Record<Pace, number>>>> = {
  lora: { quickLabels: 5e-4, quickTexts: 3e-4, balanced: usualRates.lora, thorough: 1e-4 },
  full: { quickLabels: 5e-5, quickTexts: 3e-5, balanced: usualRates.full, thorough: 1e-5 },
  'lora-head': { quickLabels: 1e-3, quickTexts: 1e-3, balanced: usualRates['lora-head'], thorough: 2e-4 },
  'full-head': {
    quickLabels: 5e-5,
    quickTexts: 5e-5,
    balanced: usualRates['full-head'],
    thorough: 1e-5,
  },
}
type Pace = 'quickLabels' | 'quickTexts' | 'balanced' | 'thorough'

const isPaced = (kind: unknown): kind is keyof typeof ratesByPace =>
  typeof kind === 'string' && Object.hasOwn(ratesByPace, kind)

const headPaces: Readonly<Record<PresetId, Changes>> = {
  quick: { 'duration.epochs': 5, 'evaluation.patience': null },
  balanced: { 'duration.epochs': 30 },
  thorough: { 'duration.epochs': 100, 'evaluation.patience': 4 },
}

const paceOf = (preset: PresetId, scenario: ScenarioId): Pace => {
  if (preset !== 'quick') return preset
  return hasShortAnswers(scenario) ? 'quickLabels' : 'quickTexts'
}

/**
 * Quick look: one pass over the rows, a small adapter on the uppermost third of the blocks, to see whether it learns at
 * all. Balanced: the recipe's own defaults. Thorough: more passes at a lower rate, a wider adapter, more patience before
 * it stops early. `model` is null where it is not known yet.
 */
export function presetChanges(
  preset: PresetId,
  scenario: ScenarioId,
  model: PresetModel | null,
  chosen: ChosenKinds = {},
): Changes {
  const kind = chosen.method ?? (model?.kind === 'encoder' ? 'head' : 'lora')
  const optimizer = isOptimizer(chosen.optimizer) ? chosen.optimizer : 'adamw'
  const always: Changes = {
    // Counts only where blocks rest, and then every later pass is the quicker for it.
    reuseFrozenLayers: model?.kind !== 'sequence-to-sequence',
    // A model that cannot write can only name labels.
    ...(model?.kind === 'encoder' && { 'method.kind': 'head' }),
  }
  // On states that are kept a pass takes well under a second, and one layer learns at rates that a whole model does not bear.
  const rate = (adamwRate: number) => ({ 'optimizer.learningRate': rateFor(optimizer, adamwRate) })
  if (kind === 'head') return { ...always, ...headPaces[preset], ...rate(usualRates.head) }
  const rates = ratesByPace[isPaced(kind) ? kind : 'lora']
  const paced = { ...always, ...rate(rates[paceOf(preset, scenario)]) }
  if (preset === 'quick')
    return {
      ...paced,
      'duration.epochs': 1,
      'method.rank': 4,
      'method.alpha': 8,
      'evaluation.patience': null,
      ...(model !== null && { 'method.topLayers': Math.ceil(quickShare * model.layers) }),
    }
  if (preset === 'thorough')
    return {
      ...paced,
      'duration.epochs': hasShortAnswers(scenario) ? 6 : 5,
      'method.rank': 16,
      'method.alpha': 32,
      'evaluation.patience': 4,
    }
  return { ...paced, 'duration.epochs': 3 }
}

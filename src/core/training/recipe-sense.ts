// What a recipe asks for and cannot have, or has without effect: known before anything is read or started. Ranges of
// single settings are the schema's; memory is memory-plan.ts's.
import type { ModelConfig } from '#engine/index.ts'
import { kindsThatTrain, trainsBlocks } from '#shared/method-parts.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { recipeFields } from '#shared/recipe-fields.ts'
import type { Problem } from '#shared/result.ts'
import { idleSettings, methodKindsFor, type SettingNeed } from '#shared/setting-sense.ts'
import { hasClassHead, trainsWeights } from './method-of.ts'
import { settingsByPath } from './setting-paths.ts'
import { refuseTwoHalves, takeOut } from './two-halves-sense.ts'
import { usualRate } from './usual-rates.ts'

type Model = Pick<ModelConfig, 'kind' | 'layers'>
type Rule = (recipe: RecipeDraft, model: Model) => Omit<Problem, 'code'> | null

const rules: readonly Rule[] = [
  refuseTwoHalves,
  refuseModelOfGoal,
  refuseFirstStage,
  refuseModelKind,
  refuseHead,
  refuseTopLayers,
  refuseQuantisedWhole,
  refuseNoiseBelowRestingLayers,
]

/** The first reason why this recipe cannot train this model; null where there is none. */
export function refusedRecipe(recipe: RecipeDraft, model: Model): Problem | null {
  for (const rule of rules) {
    const fault = rule(recipe, model)
    if (fault !== null) return { code: 'recipe.invalid', ...fault }
  }
  return null
}

function refuseFirstStage({ before, method, scenario }: RecipeDraft, { kind }: Model) {
  const fault = before === null ? null : firstStageFault(method, scenario, kind)
  return fault && { ...fault, where: 'before' }
}

/** Texts of a field are learnt by writing them on: the model must write, and have something else to learn after it. */
function firstStageFault(
  method: RecipeDraft['method'],
  scenario: RecipeDraft['scenario'],
  kind: Model['kind'],
) {
  if (kind === 'encoder')
    return {
      message: 'Texts of a field are learnt by writing them on, and this model reads and cannot write.',
      remedy: `${takeOut}, or choose a chat model.`,
    }
  if (hasClassHead(method))
    return {
      message:
        'A new last layer takes the place of the one that writes, and texts of a field are learnt by writing them on.',
      remedy: `${takeOut}, or train a small adapter (method.kind lora).`,
    }
  if (scenario === 'domain')
    return {
      message: 'The goal is to learn texts of a field already: a first stage would do the same.',
      remedy: `${takeOut}, and bring it among the files of the goal (data.morePaths).`,
    }
  return null
}

/** Before all settings: none of them helps. */
function refuseModelOfGoal({ scenario }: RecipeDraft, { kind }: Model) {
  if (kind !== 'encoder' || methodKindsFor(scenario).includes('head')) return null
  return {
    message:
      'This model only reads (encoder) and cannot write answers, and this goal asks for answers in words.',
    where: 'model',
    remedy: 'Choose another model for this goal. This one can learn labels, or names in a text.',
  }
}

function refuseModelKind({ method }: RecipeDraft, { kind }: Model) {
  if (kind !== 'encoder' || hasClassHead(method)) return null
  return {
    message: 'This model reads and cannot write: all it can learn is to name labels, with a new last layer.',
    where: 'method.kind',
    remedy: `Set method.kind to ${method.kind}-head, or to head for the new layer alone.`,
  }
}

function refuseHead({ method, scenario }: RecipeDraft) {
  if (methodKindsFor(scenario).includes(method.kind)) return null
  return {
    message: 'A new last layer names one label out of a few, and the rows of this goal have no labels.',
    where: 'method.kind',
    remedy: 'Train a small adapter (lora) or the whole model (full).',
  }
}

function refuseTopLayers({ method: { kind, topLayers } }: RecipeDraft, { layers }: Model) {
  if (!trainsBlocks(kind) || topLayers === null || topLayers <= layers) return null
  return {
    message: `The uppermost ${topLayers} blocks are to be trained, and this model has ${layers}.`,
    where: 'method.topLayers',
    remedy: `Choose at most ${layers}, or leave it out to train all blocks.`,
  }
}

function refuseQuantisedWhole({ method }: RecipeDraft) {
  if (!trainsWeights(method) || method.base === 'float') return null
  return {
    message:
      'Weights that are trained themselves cannot be kept in 8 or 4 bits: steps are smaller than what those tell apart.',
    where: 'method.base',
    remedy: `Set method.base to float, or train a small adapter (${hasClassHead(method) ? 'lora-head' : 'lora'}) beside weights of few bits.`,
  }
}

function refuseNoiseBelowRestingLayers(
  { method: { kind, topLayers }, regularisation, reuseFrozenLayers }: RecipeDraft,
  { layers }: Model,
) {
  const rests = !trainsBlocks(kind) || (topLayers !== null && topLayers < layers)
  if (regularisation.neftuneAlpha === null || !reuseFrozenLayers || !rests) return null
  return {
    message:
      'Noise on what is read is new in every pass, so what resting layers make of it cannot be computed only once.',
    where: 'regularisation.neftuneAlpha',
    remedy: 'Leave out the noise (regularisation.neftuneAlpha), or set reuseFrozenLayers to false.',
  }
}

type Doubted = Pick<RecipeDraft, 'method' | 'optimizer'> & {
  readonly before: { readonly learningRate: number | null } | null
}

/**
 * Times the usual rate: doubted above that, of SGD below it. Lion is used with at most a third of AdamW's rate (Chen et al.
 * 2023), which is less than twice its usual one; quick looks go further. A whole model soon forgets what it knew at five times
 * its own.
 */
const doubted = { lion: 3, sgd: 0.1, whole: 5 } as const

/** What is allowed and seldom meant, one sentence each. */
export function doubtSentences({ method, optimizer, before }: Doubted): string[] {
  const { kind, learningRate } = optimizer
  const rates = [learningRate, before?.learningRate ?? learningRate]
  const [lowest, highest] = [Math.min(...rates), Math.max(...rates)]
  const usual = usualRate(method.kind, kind)
  const about = `About ${usual} is usual with this way of training.`
  if (kind === 'sgd')
    return lowest > doubted.sgd * usual
      ? []
      : [
          `A learning rate of ${lowest} suits AdamW; SGD hardly learns with it, and wants a much higher one. ${about}`,
        ]
  if (kind === 'lion' && highest > doubted.lion * usual)
    return [
      `A learning rate of ${highest} suits AdamW; Lion moves every weight by all of it, and wants one three to ten times lower. ${about}`,
    ]
  if (trainsWeights(method) && highest > doubted.whole * usual)
    return [
      `A learning rate of ${highest} suits small adapters; a whole model easily forgets with it what it knew. ${about}`,
    ]
  return []
}

/** Where the model has a last position, rows cannot be longer than that, whatever is allowed. */
export function shortReadingSentences(
  { batch }: Pick<RecipeDraft, 'batch'>,
  { maxPositions, relativePositions }: Pick<ModelConfig, 'maxPositions' | 'relativePositions'>,
): string[] {
  if (relativePositions !== null || batch.maxTokens <= maxPositions) return []
  return [
    `This model reads at most ${maxPositions} tokens at once: longer rows are left out, although ${batch.maxTokens} are allowed.`,
  ]
}

/** What was set and changes nothing, one sentence for each thing it would need. */
export function idleSentences(recipe: RecipeDraft): string[] {
  const values = Object.fromEntries(settingsByPath(recipe))
  const byNeed = new Map<SettingNeed, string[]>()
  for (const [path, need] of idleSettings(values))
    if (path in values && isOwn(path, values[path])) byNeed.set(need, [...(byNeed.get(need) ?? []), path])
  return [...byNeed].map(
    ([need, paths]) =>
      `Set, but without effect here: ${paths.join(', ')}. It counts only with ${needWords[need]}.`,
  )
}

const defaults = new Map(recipeFields.map((field) => [field.path, field.default]))
const isOwn = (path: string, value: unknown): boolean =>
  JSON.stringify(value) !== JSON.stringify(defaults.get(path))

const needWords: Readonly<Record<SettingNeed, string>> = {
  adapter: `method.kind ${kindsThatTrain('adapter').join(' or ')}`,
  'frozen-weights': `a method.kind other than ${kindsThatTrain('weights').join(' and ')}`,
  'trained-layers': 'a method.kind other than head',
  'resting-layers': 'method.topLayers or method.kind head',
  momentum: 'an optimizer.kind other than adafactor',
  'second-average': 'optimizer.kind adamw, adamw-8bit or lion',
  adam: 'optimizer.kind adamw or adamw-8bit',
  patience: 'evaluation.patience',
  'no-shares': 'no evaluation.atShares, which says when it is measured',
  'first-stage': 'before.path',
  'one-half': 'a model that is not of two halves (T5)',
}

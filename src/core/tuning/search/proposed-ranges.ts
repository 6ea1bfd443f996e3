// The ranges themselves, by what is trained, how large the model is and how many rows there are; with the reasons for them.
import type { ModelConfig } from '#engine/index.ts'
import type { SearchEffort } from '#shared/contract/studies.ts'
import type { Recipe, RecipeDraft } from '#shared/recipe.ts'
import type { Dimension, StudiedValue } from '#shared/study.ts'
import { trainsWeights } from '../../training/method-of.ts'
import { usualRate } from '../../training/usual-rates.ts'

export interface ProposeRequest {
  readonly recipe: Recipe | RecipeDraft
  readonly model: Pick<ModelConfig, 'kind' | 'layers' | 'hidden'> & { readonly parameters: number }
  /** Rows that are trained on. */
  readonly rows: number
  readonly effort: SearchEffort
}

type Range =
  | {
      readonly kind: 'number' | 'whole'
      readonly path: string
      readonly low: number
      readonly high: number
      readonly isLog: boolean
    }
  | { readonly kind: 'choice'; readonly path: string; readonly values: readonly StudiedValue[] }

export interface RangeProposal {
  readonly range: Range
  readonly onlyWhen?: Dimension['onlyWhen']
  readonly efforts: readonly SearchEffort[]
  readonly reason: string
}

const always: readonly SearchEffort[] = ['short', 'night', 'thorough']
const longer: readonly SearchEffort[] = ['night', 'thorough']
const longest: readonly SearchEffort[] = ['thorough']

/** Whatever does not count for this recipe is left out by propose-space.ts. */
export const proposedRanges = (request: ProposeRequest): RangeProposal[] =>
  [
    learningRate(request),
    rank(request),
    epochs(request),
    batchRows(request),
    warmup(),
    weightDecay(request),
    schedule(),
    labelSmoothing(),
    layerDecay(request),
    embeddingNoise(request),
    topLayers(request),
  ].filter((proposal) => proposal !== null)

/** The model at whose size the usual rates stand, and how much lower a larger one's is: by the sixth root of its size. */
const usualParameters = 500e6
const leastSizeFactor = 0.4
const mostSizeFactor = 2.5

function learningRate({ recipe: { method, optimizer }, model }: ProposeRequest): RangeProposal {
  // One new layer on states that rest learns alike on every model.
  const size = method.kind === 'head' ? 1 : (usualParameters / model.parameters) ** (1 / 6)
  const usual =
    usualRate(method.kind, optimizer.kind) * Math.min(mostSizeFactor, Math.max(leastSizeFactor, size))
  const low = Number((usual / 10).toPrecision(1))
  const high = Number((usual * 10).toPrecision(1))
  return {
    range: { kind: 'number', path: 'optimizer.learningRate', low, high, isLog: true },
    efforts: always,
    reason:
      'It decides more than all the rest: too low learns little, too high unlearns. From a tenth to ten times what is usual for this way of training and this size of model.',
  }
}

/**
 * Alpha stays what it is: the update is scaled by alpha / rank, so that a rate that suits one rank suits another
 * (Hu et al. 2021, section 4.1), and alpha itself would only be the learning rate once more.
 */
function rank({ model }: ProposeRequest): RangeProposal {
  const high = Math.max(2, Math.min(64, Math.floor(model.hidden / 4)))
  return {
    range: { kind: 'whole', path: 'method.rank', low: 2, high, isLog: true },
    efforts: always,
    reason:
      'How much the adapter can hold. Few rows need little of it; the strength of the adapter (alpha) stays, so that one learning rate suits all of them.',
  }
}

/** Where the number of steps is limited, passes decide nothing. */
function epochs({ recipe: { duration } }: ProposeRequest): RangeProposal | null {
  if (duration.maxSteps !== null) return null
  const usual = duration.epochs
  const low = usual < 2 ? usual / 2 : Math.floor(usual / 2)
  return {
    range: {
      kind: Number.isInteger(low) && Number.isInteger(usual) ? 'whole' : 'number',
      path: 'duration.epochs',
      low,
      high: usual * 2,
      isLog: true,
    },
    efforts: longer,
    reason:
      'How often the rows are read. Fewer passes save time, more of them learn by heart at some point. From half to twice what the plan says.',
  }
}

/** Below this a pass has too few steps to learn in. */
const leastStepsOfPass = 8

/** Rows at once up to twice the plan's: more of them may not fit, and such a trial is skipped. */
function batchRows({ recipe: { batch }, rows }: ProposeRequest): RangeProposal {
  const { microRows, accumulation } = batch
  const values = [microRows / 4, microRows / 2, microRows, microRows * 2].filter(
    (value) =>
      value === microRows ||
      (Number.isInteger(value) && value * accumulation * leastStepsOfPass <= rows && value <= 4096),
  )
  return {
    range: { kind: 'choice', path: 'batch.microRows', values },
    efforts: longer,
    reason:
      'Rows of one step. Fewer give more steps, each less certain; more give fewer and steadier ones. Only as many as leave a pass enough steps.',
  }
}

const warmup = (): RangeProposal => ({
  range: { kind: 'number', path: 'schedule.warmupShare', low: 0, high: 0.2, isLog: false },
  efforts: longest,
  reason: 'A gentle start allows higher learning rates. More than a fifth of a run is seldom worth it.',
})

function weightDecay({ recipe: { method } }: ProposeRequest): RangeProposal {
  return {
    range: { kind: 'number', path: 'optimizer.weightDecay', low: 0.001, high: 0.3, isLog: true },
    efforts: method.kind === 'head' ? always : longest,
    reason:
      method.kind === 'head'
        ? 'A single new layer soon fits every row it has seen; this holds its weights back.'
        : 'Holds the trained weights back. In short runs it hardly matters.',
  }
}

const schedule = (): RangeProposal => ({
  range: { kind: 'choice', path: 'schedule.kind', values: ['cosine', 'linear', 'constant'] },
  efforts: longest,
  reason: 'Whether the strength of learning sinks towards the end, and how. Sinking lets the model settle.',
})

/** Losses still compare: validation rows are measured without it. */
const labelSmoothing = (): RangeProposal => ({
  range: { kind: 'number', path: 'regularisation.labelSmoothing', low: 0, high: 0.2, isLog: false },
  efforts: longest,
  reason:
    'A little doubt in each right answer helps where some rows are wrong. Validation rows are measured without it, so that losses compare.',
})

function layerDecay({ recipe: { method } }: ProposeRequest): RangeProposal | null {
  if (!trainsWeights(method)) return null
  return {
    range: { kind: 'number', path: 'optimizer.layerDecay', low: 0.7, high: 1, isLog: false },
    efforts: longest,
    reason: 'Lower blocks hold what is general; learning them more gently keeps more of it.',
  }
}

/** Not where blocks rest or may be made to: recipe-sense.ts refuses noise below states that are kept. */
function embeddingNoise({ recipe, model }: ProposeRequest): RangeProposal | null {
  const { method, reuseFrozenLayers } = recipe
  const isWhole = method.topLayers === null || method.topLayers >= model.layers
  if (method.kind === 'head' || (reuseFrozenLayers && !isWhole)) return null
  return {
    range: { kind: 'choice', path: 'regularisation.neftuneAlpha', values: [null, 5, 10] },
    efforts: longest,
    reason:
      'A little noise on what is read keeps sentences from being learnt by heart. It helps some chat data.',
  }
}

/** Noise below resting blocks and keeping what these give exclude each other (recipe-sense.ts): then only without noise. */
function topLayers({ recipe, model }: ProposeRequest): RangeProposal | null {
  const { method, regularisation, reuseFrozenLayers } = recipe
  const mayRest = model.kind !== 'sequence-to-sequence' || !reuseFrozenLayers
  if (!mayRest || (reuseFrozenLayers && regularisation.neftuneAlpha !== null)) return null
  const shares = [1 / 3, 2 / 3].map((share) => Math.ceil(share * model.layers))
  const values = [...new Set(shares)].filter((layers) => layers < model.layers)
  // All blocks by their number are the same as null.
  const own = method.topLayers === model.layers ? [model.layers] : [null]
  return {
    range: { kind: 'choice', path: 'method.topLayers', values: [...own, ...values] },
    ...(reuseFrozenLayers && { onlyWhen: { path: 'regularisation.neftuneAlpha', values: [null] } }),
    efforts: longer,
    reason:
      'Training only the upper blocks is faster and holds back learning by heart; the lower ones then stay as they were.',
  }
}

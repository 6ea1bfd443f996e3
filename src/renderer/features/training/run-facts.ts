// How a run trains, in plain words: what of the model learns, what stays, and whether the same run would come out again.
import type { TrainingView } from '#shared/contract/index.ts'
import { determinismLabels } from '#shared/journal-types.ts'
import type { Recipe } from '#shared/recipe.ts'
import { t } from '../../words/index.ts'
import { namedDevice } from '../devices/device-words.ts'

export interface RunFact {
  readonly name: string
  readonly value: string
  /** For whoever wants to know exactly, in small type. */
  readonly note?: string
}

type Run = Pick<TrainingView['run'], 'recipe' | 'determinism' | 'backend' | 'attempts'>
type Method = Recipe['method']

/** `isElsewhere`: it is not known that this computer computed it. */
export function runFacts({ recipe, determinism, backend, attempts }: Run, isElsewhere = false): RunFact[] {
  const { method } = recipe
  return [
    ...beforeFacts(recipe),
    { name: t('training.facts.learns'), value: learnsWord(method) },
    ...(method.kind === 'head' ? [] : [{ name: t('training.facts.layers'), value: layersWord(recipe) }]),
    ...(method.kind === 'full'
      ? []
      : [{ name: t('training.facts.rest'), value: t(`training.facts.base.${method.base}`) }]),
    ...(method.kind === 'full' || method.base === 'float'
      ? []
      : [{ name: t('training.facts.fewBits'), value: t('training.facts.fewBitsMean') }]),
    deviceFact({ recipe, determinism, backend, attempts }, isElsewhere),
    { name: t('training.facts.repeat'), value: repeatWord(recipe, determinism) },
  ]
}

/** A run that was taken up again may have gone on elsewhere: the backend is that of its last attempt, once that has begun. */
function deviceFact({ recipe, determinism, backend, attempts }: Run, isElsewhere: boolean): RunFact {
  const value =
    isElsewhere && recipe.device === 'cpu'
      ? t('training.facts.processorThere', { term: t('devices.terms.cpu') })
      : namedDevice(recipe.device)
  if (attempts > 1)
    return { name: t('training.facts.begunOn'), value, note: t('training.facts.lastBy', { backend }) }
  return { name: t('training.facts.device'), value, ...(determinism !== null && { note: backend }) }
}

function beforeFacts({ before, optimizer }: Recipe): RunFact[] {
  if (before === null) return []
  const rate = String(before.learningRate ?? optimizer.learningRate)
  const value =
    before.epochs === 1
      ? t('training.facts.beforeOnce', { rate })
      : t('training.facts.beforeTimes', { times: before.epochs, rate })
  return [{ name: t('training.facts.before'), value }]
}

function learnsWord(method: Method): string {
  if (method.kind === 'full' || method.kind === 'head') return t(`training.facts.kind.${method.kind}`)
  const adapter = { name: adapterName(method), rank: method.rank }
  return t(`training.facts.kind.${method.kind}`, adapter)
}

/** The name by which papers and other programs know it. */
function adapterName({ scaling, decomposed }: Method): string {
  const isStabilised = scaling === 'rank-stabilised'
  if (decomposed) return isStabilised ? 'DoRA, rsLoRA' : 'DoRA'
  return isStabilised ? 'rsLoRA' : 'LoRA'
}

function layersWord({ method: { topLayers }, reuseFrozenLayers }: Run['recipe']): string {
  if (topLayers === null) return t('training.facts.allLayers')
  return t(`training.facts.${reuseFrozenLayers ? 'topLayersReused' : 'topLayers'}`, { count: topLayers })
}

/** Whether what the resting layers below give is computed once and kept. */
export const keepsCopies = ({ method, reuseFrozenLayers }: Recipe): boolean =>
  reuseFrozenLayers && (method.kind === 'head' || method.topLayers !== null)

/** What is kept of resting layers was computed beside other rows, so its last digit may be of another run. */
function repeatWord(recipe: Recipe, determinism: string | null): string {
  if (determinism === null) return t('training.facts.repeatable.unknown')
  const label = determinismLabels.find((one) => one === determinism)
  // What the core says of several parts is a sentence without its capital.
  if (label === undefined) return determinism.slice(0, 1).toUpperCase() + determinism.slice(1)
  if (keepsCopies(recipe) && repeatKeys[label] === 'exact')
    return t('training.facts.repeatable.exactWithCopies')
  return t(`training.facts.repeatable.${repeatKeys[label]}`)
}

const repeatKeys = {
  'bit-exact on this machine': 'exact',
  'repeatable within 1e-5': 'close',
  'not repeatable': 'no',
} as const satisfies Record<(typeof determinismLabels)[number], string>

// How a run trains, in plain words: what of the model learns, what stays, and whether the same run would come out again.
import type { TrainingView } from '#shared/contract/index.ts'
import type { determinismLabels } from '#shared/journal-types.ts'
import { sameBitsWhileCopies, whileCopies } from '#shared/kept-copies.ts'
import { methodParts, trainsBlocks } from '#shared/method-parts.ts'
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
  const isWhole = methodParts[method.kind].weights
  return [
    ...beforeFacts(recipe),
    { name: t('training.facts.learns'), value: learnsWord(method) },
    ...(trainsBlocks(method.kind) ? [{ name: t('training.facts.layers'), value: layersWord(recipe) }] : []),
    ...(isWhole ? [] : [{ name: t('training.facts.rest'), value: t(`training.facts.base.${method.base}`) }]),
    ...(isWhole || method.base === 'float'
      ? []
      : [{ name: t('training.facts.fewBits'), value: t('training.facts.fewBitsMean') }]),
    deviceFact({ recipe, determinism, backend, attempts }, isElsewhere),
    { name: t('training.facts.repeat'), value: repeatWord(determinism) },
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
  const { kind } = method
  if (kind !== 'lora' && kind !== 'lora-head') return t(`training.facts.kind.${kind}`)
  return t(`training.facts.kind.${kind}`, { name: adapterName(method), rank: method.rank })
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

function repeatWord(determinism: string | null): string {
  if (determinism === null) return t('training.facts.repeatable.unknown')
  if (determinism === sameBitsWhileCopies)
    return t('training.facts.repeatable.exactWithCopies', { whileCopies })
  // What the core says of several parts is a sentence without its capital.
  if (!isLabel(determinism)) return determinism.slice(0, 1).toUpperCase() + determinism.slice(1)
  return t(`training.facts.repeatable.${repeatKeys[determinism]}`)
}

const isLabel = (promise: string): promise is keyof typeof repeatKeys => Object.hasOwn(repeatKeys, promise)

const repeatKeys = {
  'bit-exact on this machine': 'exact',
  'repeatable within 1e-5': 'close',
  'not repeatable': 'no',
} as const satisfies Record<(typeof determinismLabels)[number], string>

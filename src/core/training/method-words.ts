// What a recipe trains, and how, in words: for the terminal and for the card of an export.
import { methodParts } from '#shared/method-parts.ts'
import type { Recipe } from '#shared/recipe.ts'

type Method = Recipe['method']

const blocksOf = ({ topLayers }: Method): string =>
  topLayers === null ? 'all blocks' : `the uppermost ${topLayers} blocks`

const baseWords: Readonly<Record<Method['base'], string>> = {
  float: '',
  int8: ', beside a model kept in 8 bits',
  int4: ', beside a model kept in 4 bits',
  nf4: ', beside a model kept in 4 bits (NF4)',
}

/** "LoRA", or the name of the variant. */
export function adapterName({ scaling, decomposed }: Method): string {
  const isStabilised = scaling === 'rank-stabilised'
  if (decomposed) return isStabilised ? 'DoRA (rank-stabilised)' : 'DoRA'
  return isStabilised ? 'rank-stabilised LoRA' : 'LoRA'
}

/** "a LoRA adapter, rank 8, alpha 16, on all blocks". */
export function methodWords(method: Method): string {
  const adapter = `a ${adapterName(method)} adapter, rank ${method.rank}, alpha ${method.alpha}, on ${blocksOf(method)}`
  switch (method.kind) {
    case 'lora':
      return adapter + baseWords[method.base]
    case 'full':
      return `the model itself (full fine-tuning), ${blocksOf(method)}`
    case 'head':
      return `a new last layer that names classes, on a frozen model${baseWords[method.base]}`
    case 'full-head':
      return `the model itself (full fine-tuning), ${blocksOf(method)}, and a new last layer that names classes`
    case 'lora-head':
      return `a new last layer that names classes, and ${adapter}${baseWords[method.base]}`
  }
}

/** Where losses of the run and figures of the proof are about different bases; null where they are not. */
export const baseNote = ({ base }: Method): string | null =>
  base === 'float'
    ? null
    : 'losses of the run are of the model in fewer bits; proof, answers and exports put the adapter on the model itself'

/** What is read before the examples; null where nothing is. */
export function firstStageWords({ before, optimizer }: Recipe): string | null {
  if (before === null) return null
  const passes = before.epochs === 1 ? '1 pass' : `${before.epochs} passes`
  return `texts of the field (domain text), ${passes}, learning rate ${before.learningRate ?? optimizer.learningRate}; data ${before.fingerprint}`
}

/** Whether parts of blocks are chosen: a full run trains them all. */
export const hasTargets = ({ kind }: Method): boolean => methodParts[kind].adapter

export const optimizerNames: Readonly<Record<Recipe['optimizer']['kind'], string>> = {
  adamw: 'AdamW',
  'adamw-8bit': 'AdamW with 8-bit memory',
  adafactor: 'Adafactor',
  lion: 'Lion',
  sgd: 'SGD',
}

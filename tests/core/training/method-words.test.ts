// What a recipe trains, in words: no method is called by the name of another.
import { expect, test } from 'vitest'
import { baseNote, methodWords } from '#core/training/method-words.ts'
import { trainingMethod } from '#shared/recipe.ts'

test.each([
  [{}, 'a LoRA adapter, rank 8, alpha 16, on all blocks'],
  [
    { scaling: 'rank-stabilised', topLayers: 3 },
    'a rank-stabilised LoRA adapter, rank 8, alpha 16, on the uppermost 3 blocks',
  ],
  [{ decomposed: true }, 'a DoRA adapter, rank 8, alpha 16, on all blocks'],
  [{ base: 'nf4' }, 'a LoRA adapter, rank 8, alpha 16, on all blocks, beside a model kept in 4 bits (NF4)'],
  [{ kind: 'full' }, 'the model itself (full fine-tuning), all blocks'],
  [{ kind: 'head' }, 'a new last layer that names classes, on a frozen model'],
  [
    { kind: 'full-head', topLayers: 2 },
    'the model itself (full fine-tuning), the uppermost 2 blocks, and a new last layer that names classes',
  ],
])('%o', (method, words) => {
  expect(methodWords(trainingMethod.parse(method))).toBe(words)
})

test('only beside a quantised base the run and its proof speak of different things', () => {
  expect(baseNote(trainingMethod.parse({}))).toBeNull()
  expect(baseNote(trainingMethod.parse({ base: 'int8' }))).toContain('on the model itself')
})

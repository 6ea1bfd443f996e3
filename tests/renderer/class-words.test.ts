import { expect, it } from 'vitest'
import { classedParts, comparableFigures, meaningOf } from '#renderer/features/proof/class-words.ts'
import { isOfClasses } from '#shared/class-proof.ts'

const texts = { beside: 'nearest-class', metric: 'accuracy' } as const
const words = { beside: 'nearest-class', metric: 'entityF1' } as const

it('speaks of labels and kinds where a new last layer names them, and of next words where a model writes', () => {
  expect(meaningOf(texts, 'perplexity')).toContain('labels')
  expect(meaningOf(words, 'perplexity')).toContain('kinds it hesitates for a word')
  expect(meaningOf(words, 'lossNats')).toContain('what each word is')
  expect(meaningOf({ beside: 'model', metric: 'accuracy' }, 'perplexity')).toContain('next words')
  for (const summary of [texts, words])
    for (const metric of ['lossNats', 'perplexity', 'accuracy'] as const)
      expect(meaningOf(summary, metric)).not.toMatch(/next words|expected answers/)
})

it('finds names word by word', () => {
  expect([texts, words].map(classedParts)).toEqual(['texts', 'words'])
  expect([texts, words, { beside: undefined, metric: 'accuracy' } as const].map(isOfClasses)).toEqual([
    true,
    true,
    false,
  ])
})

it('does not set surprise by labels beside surprise by words, as proofs of before did', () => {
  const side = { value: 1, low: 1, high: 1 }
  const comparisons = (['accuracy', 'lossNats', 'perplexity'] as const).map((metric) => ({
    ...{ metric, isHigherBetter: null, base: side, tuned: side, difference: side },
  }))
  const metricsOf = (beside: 'nearest-class' | 'model' | undefined, method: string | null) =>
    comparableFigures({ ...(beside && { beside }), metric: 'accuracy', comparisons }, method).map(
      ({ metric }) => metric,
    )
  expect(metricsOf(undefined, 'head')).toEqual(['accuracy'])
  for (const kind of ['lora-head', 'full-head']) expect(metricsOf('model', kind)).toEqual(['accuracy'])
  for (const [beside, method] of [
    ['nearest-class', 'head'],
    ['model', 'lora'],
    [undefined, null],
  ] as const)
    expect(metricsOf(beside, method)).toHaveLength(3)
})

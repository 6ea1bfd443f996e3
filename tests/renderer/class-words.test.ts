import { expect, it } from 'vitest'
import { classedParts, isOfClasses, meaningOf } from '#renderer/features/proof/class-words.ts'

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
  expect([texts, words, { metric: 'accuracy' } as const].map(isOfClasses)).toEqual([true, true, false])
})

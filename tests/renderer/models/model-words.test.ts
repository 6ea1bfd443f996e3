// A model in plain words: by its size and whether one can talk with it.
import { expect, test } from 'vitest'
import {
  describeModel,
  factsOf,
  installedCard,
  recommendedCard,
  sizeOf,
} from '#renderer/features/models/model-words.ts'
import type { ModelCard, RecommendedModel } from '#shared/contract/models.ts'

const card: ModelCard = {
  id: 'm-0',
  name: 'SmolLM2-135M-Instruct',
  family: 'llama',
  parameters: 134_515_008,
  layers: 30,
  maxTokens: 8192,
  sizeBytes: 538_000_000,
  licence: 'apache-2.0',
  languages: 'English',
  goodAt: 'labels',
  origin: { kind: 'gguf', name: 'a.gguf' },
  place: '/models/m-0',
  runs: 1,
  isStarter: true,
  way: 'talks',
  addedAtMs: 1,
  fit: { kind: 'fits', neededBytes: 1, availableBytes: 2, reason: '' },
}

test('a model is called small or large by its weights', () => {
  expect([134e6, 361e6, 1.7e9, 7e9].map(sizeOf)).toEqual(['tiny', 'small', 'middle', 'large'])
})

test('a model says what it does with a text', () => {
  expect(describeModel(card)).toContain('You can talk with it.')
  expect(describeModel({ ...card, way: 'goes-on' })).toContain('It goes on with a text')
  expect(describeModel({ ...card, way: 'rewrites' })).toContain('one text of another')
  expect(describeModel({ ...card, way: 'reads' })).toContain('writes nothing')
})

test('its facts name the exact term where the plain word is not it, and one run is one run', () => {
  const facts = factsOf({ ...card, licence: '' })
  const factOf = (name: string) => facts.find((fact) => fact.name === name)
  expect(factOf('Reads at once')).toMatchObject({ term: 'context length', value: '8,192 tokens' })
  expect(factOf('Used by')?.value).toBe('1 run')
  expect(factOf('Licence')?.value).toBe('not known')
  expect(factOf('Size')?.value).toMatch(/ on this disk · 135 M weights in 30 layers$/)
  expect(factOf('Unpacked')).toBeDefined()
  expect(
    factsOf({ ...card, origin: { kind: 'hub', name: 'a' } }).some(({ name }) => name === 'Unpacked'),
  ).toBe(false)
})

test('a figure says what it is: to download, or on this disk', () => {
  const { name, parameters, licence, languages, goodAt, fit } = card
  const words = { name, parameters, licence, languages, goodAt, fit, why: '' }
  const advised: RecommendedModel = {
    ...words,
    downloadBytes: 271e6,
    package: null,
    installedId: null,
    how: 'fetch',
  }
  expect(recommendedCard(advised, [card]).size).toMatch(/^271 MB to download$/)
  expect(recommendedCard({ ...advised, installedId: card.id }, [card]).size).toBe('538 MB on this disk')
  expect(installedCard(card).size).toBe('538 MB on this disk')
})

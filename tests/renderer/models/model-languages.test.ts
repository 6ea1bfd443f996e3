// A model is not recommended for German rows without a word where its card names English only.
import { expect, test } from 'vitest'
import { littleKnown, rowLanguages } from '#renderer/features/models/model-languages.ts'

test('the rows tell their language, and the project where they do not', () => {
  expect(rowLanguages('en', ['German'])).toEqual(['German'])
  expect(rowLanguages('de', [])).toEqual(['German'])
  expect(rowLanguages('zh', [])).toEqual(['Chinese'])
})

test('what no model names is said, and nothing of a model that names none', () => {
  expect(littleKnown(['English'], ['English'])).toBe('')
  expect(littleKnown(['English'], ['English', 'German'])).toBe('German')
  expect(littleKnown(['English', 'English, French'], ['German', 'French', 'Spanish'])).toBe(
    'German and Spanish',
  )
  expect(littleKnown([''], ['German'])).toBe('')
  expect(littleKnown([], [])).toBe('')
})

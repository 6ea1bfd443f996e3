// What needs no model: the label that most rows have, and the names that rows marked.
import { expect, test } from 'vitest'
import { trivialWay } from '#core/proof/trivial-answers.ts'

const learnt = (...answers: string[]) => answers.map((answer) => ({ answer }))

test('always the label that most training rows have; of equals the first by its letters', () => {
  const way = trivialWay('classification', learnt('ham', 'spam', 'ham'))!
  expect(way).toMatchObject({ kind: 'most-frequent-label', label: 'ham' })
  expect(way.answer('win money')).toBe('ham')
  expect(trivialWay('classification', learnt('b', 'a'))!.label).toBe('a')
})

test('names that training rows marked, the longest first, and none that had two kinds', () => {
  const way = trivialWay(
    'entity-recognition',
    learnt('PLACE: New York\nPLACE: York', 'ORG: New York Times', 'PERSON: Paris', 'PLACE: Paris', 'none'),
  )!
  expect(way.kind).toBe('known-names')
  expect(way.answer('the New  York Times of York, and Paris')).toBe('ORG: New York Times\nPLACE: York')
  expect(way.answer('new york')).toBe('none')
  expect(way.answer('New York.')).toBe('PLACE: New York')
})

test('free texts have no trivial answer, nor has a data set without rows to learn from', () => {
  expect(trivialWay('translation', learnt('x'))).toBeNull()
  expect(trivialWay('classification', [])).toBeNull()
  expect(trivialWay('entity-recognition', learnt('none'))!.answer('Anna')).toBe('none')
})

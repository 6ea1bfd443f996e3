import { describe, expect, test } from 'vitest'
import { answerOfTags, tagWords, wordsOf } from '#core/scenarios/entity-spans.ts'

const tagsOf = (text: string, answer: string): readonly string[] => tagWords(text, wordsOf(text), answer)

describe('tags of words', () => {
  test('a name of several words, and marks by themselves', () => {
    expect(tagsOf('Anna Lee (New York).', 'PERSON: Anna Lee\nPLACE: New York')).toEqual([
      ...['B-PERSON', 'I-PERSON', 'O', 'B-PLACE', 'I-PLACE', 'O', 'O'],
    ])
  })

  test('a name is looked for behind the one before it, and rather as whole words', () => {
    expect(tagsOf('USA and US and US', 'A: US\nB: US')).toEqual(['O', 'O', 'B-A', 'O', 'B-B'])
  })

  test('white space in a name may be any in the text', () => {
    expect(tagsOf('in New\n  York now', 'PLACE: New York')).toEqual(['O', 'B-PLACE', 'I-PLACE', 'O'])
  })

  test('a name inside another has no tag of its own, and one that is not there has none', () => {
    expect(tagsOf('Bank of Oslo', 'ORG: Bank of Oslo\nPLACE: Oslo\nPLACE: Rome')).toEqual([
      ...['B-ORG', 'I-ORG', 'I-ORG'],
    ])
  })
})

describe('answers of tags', () => {
  const answer = (text: string, tags: string[]): string => answerOfTags(text, wordsOf(text), tags)

  test.each([
    ['Anna Lee (New York).', 'PERSON: Anna Lee\nPLACE: New York'],
    ['Anna Bert', 'PERSON: Anna\nPERSON: Bert'],
    ['nobody here', 'none'],
    ['A. B. Smith left', 'PERSON: A. B. Smith'],
  ])('%s: there and back', (text, expected) => {
    expect(answer(text, [...tagsOf(text, expected)])).toBe(expected)
  })

  test('a name that begins with the tag of further words is one all the same', () => {
    expect(answer('to Oslo now', ['O', 'I-PLACE', 'O'])).toBe('PLACE: Oslo')
    expect(answer('Oslo Anna', ['B-PLACE', 'I-PERSON'])).toBe('PLACE: Oslo\nPERSON: Anna')
  })
})

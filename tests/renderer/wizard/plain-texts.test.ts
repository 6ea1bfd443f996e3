// A passage as an example of reading and going on.
import { expect, test } from 'vitest'
import { cutPassage } from '#renderer/features/wizard/plain-texts.ts'

test('is cut near its middle, between two words', () => {
  expect(cutPassage('one two three four')).toEqual({ begins: 'one two three', goesOn: 'four' })
})

test('without a space it is cut all the same', () => {
  expect(cutPassage('自転車屋')).toEqual({ begins: '自転', goesOn: '車屋' })
})

// What a search is called.
import { expect, test } from 'vitest'
import { freeName } from '#core/tuning/start-study.ts'

test('a second search of one name gets a number, also where there is no room for it', () => {
  expect(freeName('Search of Teams', [])).toBe('Search of Teams')
  expect(freeName('Search of Teams', ['Search of Teams'])).toBe('Search of Teams 2')
  expect(freeName('Search of Teams', ['Search of Teams', 'Search of Teams 2'])).toBe('Search of Teams 3')
  const long = 'x'.repeat(200)
  expect(freeName(long, [long])).toBe(`${'x'.repeat(198)} 2`)
})

import { expect, test } from 'vitest'
import { isOwnPage } from '../../src/main/own-page.ts'

test('only the page of the application is its own; by origins file: and data: pages passed too', () => {
  expect(['app://tunewright/', 'app://tunewright/assets/index.js'].every(isOwnPage)).toBe(true)
  const others = [
    'app://tunewright.evil/',
    'app://other/',
    'file:///app://tunewright/',
    'data:text/html,x',
    'about:blank',
    'https://example.org/app://tunewright/',
    '',
  ]
  expect(others.filter(isOwnPage)).toEqual([])
})

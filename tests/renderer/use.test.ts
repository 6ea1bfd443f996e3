// What "Use it" says of a run's exports, and that it names the programs that the README was really tried with.
import { expect, test } from 'vitest'
import { triedWith } from '#core/export/usage-example.ts'
import { headingOf, stateOf } from '#renderer/features/use/export-words.ts'
import { use } from '#renderer/words/en/use.ts'
import type { ExportItem } from '#shared/contract/results.ts'

const item: ExportItem = {
  id: 'mail',
  runId: 'r',
  kind: 'adapter',
  name: 'mail',
  place: '/exports/mail',
  bytes: 3,
  files: [{ name: 'README.md', bytes: 3 }],
  createdAtMs: 1,
  check: { isGood: true, sentence: 'All is well.' },
  isThere: true,
  changed: [],
}

test('an earlier check counts only while the files are there as they were written', () => {
  expect(stateOf(item)).toBe('good')
  expect(stateOf({ ...item, check: { isGood: false, sentence: 'It differs.' } })).toBe('bad')
  expect(stateOf({ ...item, changed: ['README.md'] })).toBe('changed')
  expect(stateOf({ ...item, isThere: false, changed: ['README.md'] })).toBe('gone')
})

test('the heading follows the newest export', () => {
  expect(headingOf(false, [])).toBe('None')
  expect(headingOf(true, [])).toBe('Ready')
  expect(headingOf(true, [item, { ...item, isThere: false }])).toBe('Checked')
  expect(headingOf(true, [{ ...item, isThere: false }, item])).toBe('Unsure')
})

test('the programs that are named are those that the README was tried with', () => {
  expect(use.versions).toBe(triedWith)
})

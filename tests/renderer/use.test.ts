// What "Use it" says of a run's exports, and that it names the programs that the README was really tried with.
import { expect, test } from 'vitest'
import { triedWith } from '#core/export/usage-example.ts'
import { headingOf, stateOf } from '#renderer/features/use/export-words.ts'
import { doubtOf, kindsOf, likelihood, partsOf } from '#renderer/features/use/named-text.ts'
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

test('a named text is shown whole, names and what stands between them', () => {
  const text = 'Ana met Bo in Rome'
  const names = [
    { kind: 'PER', start: 0, end: 3 },
    { kind: 'PER', start: 8, end: 10 },
    { kind: 'LOC', start: 14, end: 18 },
  ]
  const parts = partsOf(text, names)
  expect(parts.map((part) => part.text).join('')).toBe(text)
  expect(parts.filter(({ kind }) => kind !== null).map((part) => part.text)).toEqual(['Ana', 'Bo', 'Rome'])
  expect(partsOf(text, [])).toEqual([{ text, kind: null }])
  expect(kindsOf(names)).toEqual([
    { kind: 'PER', count: 2 },
    { kind: 'LOC', count: 1 },
  ])
})

test('nothing is called impossible or certain that is not', () => {
  expect([0, 0.0001, 0.004, 0.3, 0.994, 0.9999, 1].map(likelihood)).toEqual([
    ...['0 %', 'under 1 %', 'under 1 %', '30 %', '99 %', 'over 99 %', '100 %'],
  ])
})

test('a label is not shown as sure where none reaches one half, or where two are close', () => {
  const labels = (...shares: number[]) =>
    shares.map((probability, index) => ({ label: `label ${index}`, probability }))
  expect(doubtOf(labels(0.91, 0.06, 0.03))).toBeNull()
  expect(doubtOf(labels(0.56, 0.44))).toBeNull()
  expect(doubtOf(labels(0.54, 0.46))).toMatch(/^“label 0” \(54 %\) and “label 1” \(46 %\) are so close/)
  expect(doubtOf(labels(0.49, 0.02))).toMatch(
    /^No label reaches one half: “label 0” is the likeliest with 49 %/,
  )
  expect(doubtOf(labels(0.3, 0.29, 0.28))).toMatch(/^No label/)
  expect(doubtOf([])).toBeNull()
})

test('the programs that are named are those that the README was tried with', () => {
  expect(use.versions).toBe(triedWith)
})

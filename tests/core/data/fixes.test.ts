// The repairs of rows, each by itself and one after the other.
import { describe, expect, test } from 'vitest'
import { applyFixes } from '#core/data/fixes.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { fixIds } from '#shared/data-fixes.ts'
import type { DatasetRow } from '#shared/rows.ts'

const mail = scenarioOf('classification')
const questions = scenarioOf('question-answering')

const rowsOf = (pairs: readonly (readonly [string, string])[]): DatasetRow[] =>
  pairs.map(([text, label], i) => ({ rowId: `r${i + 1}`, line: i + 2, fields: { text, label } }))

const long = 'please take me off the list of people who get the newsletter every monday'

describe('one of repeats', () => {
  test('stays, the first; another answer is no repeat', () => {
    const rows = rowsOf([
      ['Where is my order?', 'orders'],
      ['where is  my order?', 'orders'],
      ['Where is my order?', 'returns'],
    ])
    const fixed = applyFixes(rows, mail, ['keep-one-of-repeats'])
    expect(fixed.rows.map(({ line }) => line)).toEqual([2, 4])
    expect(fixed.places).toEqual([0, 2])
    expect(fixed.removed).toEqual([
      {
        line: 3,
        reason: 'It repeats the row on line 2; one of them is kept.',
        excerpt: 'where is my order? orders',
      },
    ])
    expect(fixed.reports).toEqual([{ id: 'keep-one-of-repeats', rows: 1, lines: [3] }])
  })
})

describe('one of near repeats', () => {
  test('stays where the label is the same', () => {
    const rows = rowsOf([
      [long, 'newsletter'],
      [`${long}!`, 'newsletter'],
      [`${long}?`, 'questions'],
    ])
    const fixed = applyFixes(rows, mail, ['keep-one-of-near-repeats'])
    expect(fixed.rows.map(({ line }) => line)).toEqual([2, 4])
    expect(fixed.removed[0]?.reason).toBe(
      'It says almost the same as the row on line 2; one of them is kept.',
    )
  })

  test('exact repeats are left to their own repair', () => {
    const rows = rowsOf([
      [long, 'newsletter'],
      [long, 'newsletter'],
    ])
    expect(applyFixes(rows, mail, ['keep-one-of-near-repeats']).removed).toEqual([])
  })
})

test('spellings of a label become the commonest one', () => {
  const rows = rowsOf([
    ['a', 'Late delivery'],
    ['b', 'late-delivery'],
    ['c', 'late-delivery'],
    ['d', 'returns'],
  ])
  const fixed = applyFixes(rows, mail, ['merge-label-spellings'])
  expect(fixed.rows.map(({ fields }) => fields.label)).toEqual([
    'late-delivery',
    'late-delivery',
    'late-delivery',
    'returns',
  ])
  expect(fixed.reports).toEqual([{ id: 'merge-label-spellings', rows: 1, lines: [2] }])
})

test('of a text with two answers every row goes', () => {
  const rows = rowsOf([
    ['Where is it?', 'orders'],
    ['where is it?', 'returns'],
    ['Thanks', 'other'],
  ])
  const fixed = applyFixes(rows, mail, ['drop-contradictions'])
  expect(fixed.rows.map(({ line }) => line)).toEqual([4])
  expect(fixed.removed.map(({ line }) => line)).toEqual([2, 3])
})

describe('personal data', () => {
  test.each([
    ['write to anna.berg@example.org today', 'write to [e-mail] today'],
    ['IBAN DE89 3704 0044 0532 0130 00, thanks', 'IBAN [bank account], thanks'],
    ['card 4111 1111 1111 1111 was charged', 'card [card number] was charged'],
    ['call +49 170 1234567 or (030) 1234 5678', 'call [telephone] or [telephone]'],
    ['at the office (01632 960118)', 'at the office ([telephone])'],
  ])('%s', (text, wanted) => {
    const fixed = applyFixes(rowsOf([[text, 'a']]), mail, ['mask-personal-data'])
    expect(fixed.rows[0]?.fields.text).toBe(wanted)
  })

  test.each([
    'order 4111 1111 1111 1112 of 05.11.2026 12:30',
    'IBAN DE88 3704 0044 0532 0130 00',
    'sold 1,234,567.00 at 10:30 on 2026-11-25',
    'version 1.2.3-beta@latest',
  ])('is not seen in: %s', (text) => {
    const fixed = applyFixes(rowsOf([[text, 'a']]), mail, ['mask-personal-data'])
    expect(fixed.rows[0]?.fields.text).toBe(text)
  })

  test('labels stay as they are, answers in words are masked', () => {
    const label = rowsOf([['hello', 'team@example.org']])
    expect(applyFixes(label, mail, ['mask-personal-data']).rows[0]?.fields.label).toBe('team@example.org')
    const row = { rowId: 'r1', line: 2, fields: { question: 'Who?', answer: 'ask a@example.org' } }
    expect(applyFixes([row], questions, ['mask-personal-data']).rows[0]?.fields.answer).toBe('ask [e-mail]')
  })
})

test('rows with damaged letters go', () => {
  const rows = rowsOf([
    ['Ã¼ber die BrÃ¼cke', 'a'],
    ['über die Brücke', 'a'],
    ['a \uFFFD b', 'b'],
  ])
  expect(applyFixes(rows, mail, ['drop-damaged']).rows.map(({ line }) => line)).toEqual([3])
})

test('repairs follow one another in the order that was chosen, each once', () => {
  const rows = rowsOf([
    ['ask a@example.org', 'x'],
    ['ask b@example.org', 'x'],
    ['other', 'y'],
  ])
  const masked = applyFixes(rows, mail, ['mask-personal-data', 'keep-one-of-repeats', 'mask-personal-data'])
  expect(masked.rows.map(({ line }) => line)).toEqual([2, 4])
  expect(masked.reports.map(({ id, rows: count }) => [id, count])).toEqual([
    ['mask-personal-data', 2],
    ['keep-one-of-repeats', 1],
  ])
  const other = applyFixes(rows, mail, ['keep-one-of-repeats', 'mask-personal-data'])
  expect(other.rows).toHaveLength(3)
})

test.each(fixIds)('%s: nothing in, nothing out, and every row is kept or listed', (id) => {
  expect(applyFixes([], mail, [id]).rows).toEqual([])
  const rows = rowsOf([
    [long, 'A b'],
    [long, 'a-b'],
    [`${long}.`, 'a b'],
    ['Ã© x@example.org', 'c'],
  ])
  const fixed = applyFixes(rows, mail, [id])
  expect([...fixed.rows, ...fixed.removed].map(({ line }) => line).sort()).toEqual([2, 3, 4, 5])
})

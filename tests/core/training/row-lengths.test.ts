// How long rows are before a run: with their instruction, from all over the file, without what is plainly too long.
import { expect, test } from 'vitest'
import { type Scenario, scenarioOf } from '#core/scenarios/scenarios.ts'
import { fittingRows, measureRowLengths } from '#core/training/row-lengths.ts'

/** One token for each word. */
const tokenizer = { encode: (text: string) => text.split(' ').map((_, at) => at) }
const words = (count: number): string => Array.from({ length: count }, () => 'word').join(' ')
const row = (text: string, at: number) => ({ rowId: `${at}`, line: at + 2, fields: { text, label: 'one' } })
const scenario = scenarioOf('classification')

test('a row counts with its instruction and its answer', () => {
  const { tokens } = measureRowLengths([row(words(5), 0), row(words(2), 1)], scenario, words(10), tokenizer)
  expect(tokens).toEqual([10 + 2 + 1, 10 + 5 + 1])
})

test('an instruction is what all rows begin with, unless some bring their own', () => {
  const lengths = measureRowLengths([row(words(5), 0), row(words(2), 1)], scenario, words(10), tokenizer)
  expect(fittingRows(lengths, 100)).toMatchObject({ longestTokens: 16, sharedTokens: 10 })
  const user = { role: 'user', content: 'word' } as const
  const system = { role: 'system', content: words(4) } as const
  const chat: Pick<Scenario, 'toExamples'> = {
    toExamples: ({ rowId, fields }) => [
      { rowId, prompt: fields.text === 'own' ? [system, user] : [user], answer: 'word' },
    ],
  }
  expect(measureRowLengths([row('own', 0), row('other', 1)], chat, words(10), tokenizer)).toMatchObject({
    tokens: [6, 12],
    sharedTokens: 0,
  })
})

test('one row of many that brings its own is found, wherever it is', () => {
  const user = { role: 'user', content: 'word' } as const
  const system = { role: 'system', content: words(4) } as const
  const chat: Pick<Scenario, 'toExamples'> = {
    toExamples: ({ rowId }) => [{ rowId, prompt: rowId === '777' ? [system, user] : [user], answer: 'word' }],
  }
  const rows = Array.from({ length: 1000 }, (_, at) => row('word', at))
  expect(measureRowLengths(rows, chat, words(10), tokenizer).sharedTokens).toBe(0)
  expect(measureRowLengths(rows.slice(0, 777), chat, words(10), tokenizer).sharedTokens).toBe(10)
})

test('rows of all over the file are looked at, and no more than some', () => {
  const rows = Array.from({ length: 1000 }, (_, at) => row(words(at < 500 ? 3 : 30), at))
  const lengths = measureRowLengths(rows, scenario, '', tokenizer)
  expect(lengths.tokens).toHaveLength(48)
  expect(fittingRows(lengths, 20)).toEqual({
    share: 0.5,
    meanTokens: 4,
    longestTokens: 4,
    mostAnswerTokens: 1,
    mostPromptTokens: 3,
    sharedTokens: 0,
  })
  expect(fittingRows(lengths, 3)).toBeNull()
})

test('the longest row of many is found, wherever it is', () => {
  const rows = Array.from({ length: 1000 }, (_, at) => row(words(at === 777 ? 90 : 3), at))
  const lengths = measureRowLengths(rows, scenario, '', tokenizer)
  expect(fittingRows(lengths, 200)).toMatchObject({ share: 1, meanTokens: 4, longestTokens: 91 })
  expect(fittingRows(lengths, 50)).toMatchObject({ longestTokens: 4 })
})

// The lengths of a plan are those of what is trained: with the instruction where a model writes, of the text alone where a
// new last layer reads.
import { expect, test } from 'vitest'
import { allTooLong, measureTrained, readingOf, readingOfTexts } from '#core/training/trained-lengths.ts'
import { recipeDraft } from '#shared/recipe.ts'

/** One token for each word. */
const tokenizer = { encode: (text: string) => text.split(' ').map((_, at) => at) }
const words = (count: number): string => Array.from({ length: count }, () => 'word').join(' ')
const row = (text: string, at: number) => ({ rowId: `${at}`, line: at + 2, fields: { text, label: 'one' } })
const draft = (kind: string) =>
  recipeDraft.parse({ model: 'm', data: { path: 'd' }, scenario: 'classification', method: { kind } })

test('a new last layer reads neither instruction nor answer', () => {
  const rows = [row(words(5), 0), row(words(2), 1)]
  const lengthsOf = (kind: string) => measureTrained(rows, readingOf(draft(kind), words(10)), tokenizer)
  expect(lengthsOf('lora')).toMatchObject({ tokens: [13, 16], sharedTokens: 10, hasInstruction: true })
  for (const kind of ['head', 'lora-head'])
    expect(lengthsOf(kind)).toMatchObject({ tokens: [2 + 1, 5 + 1], sharedTokens: 0, hasInstruction: false })
})

test('that all are too long is said only where the shortest of all is', () => {
  const rows = Array.from({ length: 1000 }, (_, at) => row(words(at === 334 ? 3 : 90), at))
  const lengths = measureTrained(rows, readingOf(draft('lora'), ''), tokenizer)
  const textLengths = measureTrained([row(words(60), 0)], readingOfTexts, tokenizer)
  expect(lengths.tokens[0]).toBe(91)
  expect(allTooLong({ lengths, textLengths: null }, 20)).toBeNull()
  expect(allTooLong({ lengths, textLengths }, 60)).toBeNull()
  expect(allTooLong({ lengths, textLengths }, 59)?.where).toContain('first stage')
  expect(allTooLong({ lengths, textLengths: null }, 3)?.message).toMatch(/^Every row .* about 4 tokens,/)
})

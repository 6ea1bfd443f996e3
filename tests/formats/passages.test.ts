// Long text as passages: nothing but white space is lost, none is too long, and cuts fall where a reader would cut.
import { describe, expect, it } from 'vitest'
import { passagesOf } from '#formats/passages.ts'
import { looksLikeConll } from '#formats/table-text.ts'
import { problemOf, readText, sourceOf } from './table-support.ts'

const words = (text: string): string => text.replace(/\s+/g, '')

describe('passages', () => {
  it('joins short paragraphs and says on which line each passage begins', () => {
    expect(passagesOf('One.\r\n\r\n\r\nTwo\nlines.\n\nThree.', 15)).toEqual([
      { line: 1, text: 'One.' },
      { line: 4, text: 'Two\nlines.' },
      { line: 7, text: 'Three.' },
    ])
    expect(passagesOf('One.\n\nTwo.', 100)).toEqual([{ line: 1, text: 'One.\n\nTwo.' }])
  })

  it.each([
    ['sentences', 'A boat came in. It was late! Was it ours? Nobody knew then. '.repeat(40), 200],
    ['words without a full stop', 'harbour '.repeat(500), 120],
    ['Chinese', '港口在东边。船只可以停三夜。'.repeat(60), 200],
    ['one endless word', 'x'.repeat(5000), 300],
    ['characters of four bytes', '😀'.repeat(1000), 90],
  ])('cuts %s within the limit and loses nothing', (_name, text, limit) => {
    const passages = passagesOf(text, limit)
    for (const { text: passage } of passages)
      expect(new TextEncoder().encode(passage).byteLength).toBeLessThanOrEqual(limit)
    expect(words(passages.map((one) => one.text).join(''))).toBe(words(text))
    expect(passages.every((one) => one.text.isWellFormed())).toBe(true)
  })

  it('ends a passage with a sentence where it can', () => {
    const passages = passagesOf('It was late. '.repeat(100), 200)
    expect(passages.length).toBeGreaterThan(5)
    for (const { text } of passages) expect(text).toMatch(/\.$/)
  })

  it('has none for white space', () => {
    expect(passagesOf(' \n\n\t\n')).toEqual([])
  })
})

describe('CoNLL', () => {
  it.each([
    ['Anna\tB-PER\nmet\tO\nBen\tB-PER\n.\tO\n', true],
    ['-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nit PRP B-NP O\n. . O O\n', true],
    ['source\ttarget\nHello\tHallo\nBye\tTschüss\nYes\tJa\n', false],
    ['text,label\nI like it,good\nNo,bad\nYes,good\n', false],
    ['A text.\nAnother line O\nand one more.\nAnd more.\n', false],
  ])('%j: %s', (text, is) => {
    expect(looksLikeConll(text)).toBe(is)
  })

  const conll = { textAs: 'conll', recordCharacters: 40 } as const
  const sentence = 'Anna\tB-PER\nmet\tO\nBen\tB-PER\n'

  it('says the line a sentence begins on, with every kind of line end', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = `# names\n${sentence}\n\n${sentence}`.replaceAll('\n', end)
      const { shape, records } = await readText('a.conll', text, conll)
      expect(shape.format).toBe('conll')
      expect(records.map(({ line, index }) => [line, index])).toEqual([
        [2, 1],
        [7, 2],
      ])
      expect(records[1]?.values.get('tags')).toBe('["B-PER","O","B-PER"]')
    }
  })

  // Both were held in memory, whatever their length; a line without end took time with the square of it.
  it('leaves out a sentence without end, and stops at a line without end', async () => {
    const { records, leftOut } = await readText('a.conll', `${sentence.repeat(9)}\n${sentence}`, conll)
    expect(records.map(({ line }) => line)).toEqual([29])
    expect(leftOut).toMatchObject([
      { line: 1, reason: expect.stringContaining('More than 40 characters come without a blank line') },
    ])
    const endless = `${sentence}\n${sentence}\n${'x'.repeat(50)}`
    expect(await problemOf(sourceOf('a.conll', endless), conll)).toMatchObject({
      code: 'table.line-too-long',
    })
  })
})

it('a format that was said is kept, whatever the file could be read as', async () => {
  const table = 'text,label\nGood.,yes\n'
  expect((await readText('a.txt', table, { textAs: 'passages' })).columns).toEqual(['text'])
  const said = await readText('a.txt', table, { textAs: 'passages', format: 'csv' })
  expect(said.columns).toEqual(['text', 'label'])
})

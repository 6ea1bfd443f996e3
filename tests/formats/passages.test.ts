// Long text as passages: nothing but white space is lost, none is too long, and cuts fall where a reader would cut.
import { describe, expect, it } from 'vitest'
import { passagesOf } from '#formats/passages.ts'
import { looksLikeConll } from '#formats/table-text.ts'

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
})

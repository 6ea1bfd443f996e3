// Delimited text: RFC 4180, its everyday deviations, line numbers, and what is refused.
import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { DelimitedParser } from '#formats/delimited.ts'
import type { Delimiter } from '#formats/table-types.ts'
import { type Chance, seeded } from '../support/seeded.ts'
import { cellsOf, problemOf, readText, sourceOf } from './table-support.ts'

const parserFor = (delimiter: Delimiter, hasQuotes = true): DelimitedParser =>
  new DelimitedParser({ name: 'test', delimiter, hasQuotes, recordCharacters: 1e6, columns: 1000 })

describe('cells', () => {
  test('quoted cells hold separators, line breaks and doubled quotation marks', async () => {
    const table = await readText('a.csv', 'text,label\n"a, ""b""\nc",x\nplain,y\n')
    expect(cellsOf(table)).toEqual([
      ['a, "b"\nc', 'x'],
      ['plain', 'y'],
    ])
    expect(table.records.map(({ line }) => line)).toEqual([2, 4])
  })

  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('line numbers and cells are the same with %s line ends', async (_, end) => {
    const text = ['text,label', '"one', 'two",x', '', 'three,y'].join(end)
    const table = await readText('a.csv', text)
    expect(cellsOf(table)).toEqual([
      [`one${end}two`, 'x'],
      ['three', 'y'],
    ])
    expect(table.records.map(({ line }) => line)).toEqual([2, 5])
  })

  test('a quotation mark inside a bare cell is a character', async () => {
    const table = await readText('a.csv', 'text,label\nthe 5" screen,x\n')
    expect(cellsOf(table)).toEqual([['the 5" screen', 'x']])
  })

  test('short rows are filled with empty cells, empty surplus cells are dropped', async () => {
    const table = await readText('a.csv', 'a,b,c\n1,2\n4,5,6,,\n')
    expect(cellsOf(table)).toEqual([
      ['1', '2', ''],
      ['4', '5', '6'],
    ])
  })

  test.each<[string, Delimiter]>([
    ['comma', ','],
    ['semicolon', ';'],
    ['tab', '\t'],
    ['bar', '|'],
  ])('the %s is found as separator', async (_, delimiter) => {
    const rows = [
      ['text', 'label'],
      ['one and one', 'x'],
      ['two and two', 'y'],
      ['three, or so', 'x'],
    ]
    const quoted = rows.map((row) =>
      row.map((cell) => (cell.includes(delimiter) ? `"${cell}"` : cell)).join(delimiter),
    )
    const table = await readText('a.txt', quoted.join('\n'))
    expect(table.shape.delimiter).toBe(delimiter)
    expect(cellsOf(table)).toEqual(rows.slice(1))
  })

  test('decimal commas do not hide the semicolon', async () => {
    const table = await readText('a.csv', 'preis;menge\n1,5;2,5\n3,5;4,5\n')
    expect(table.shape.delimiter).toBe(';')
  })

  test('lists of words, where a quotation mark is a word, are read without quoting', async () => {
    const table = await readText('words.tsv', 'He\tO\nsaid\tO\n"\tO\nyes\tO\n"\tO\n.\tO\n')
    expect(table.shape).toMatchObject({ delimiter: '\t', hasQuotes: false, hasHeader: false })
    expect(table.records).toHaveLength(6)
  })
})

describe('heading', () => {
  test.each([
    ['names that never come again', 'text,label\na,x\nb,y\n', true],
    ['a number in the first row', 'good,1\nbad,0\n', false],
    ['a value that comes again', 'fine,pos\nawful,neg\ngreat,pos\n', false],
    ['an empty first cell is no name but the row is a heading', ',text\n0,a b\n1,c d\n', true],
  ])('%s', async (_, text, hasHeader) => {
    expect((await readText('a.csv', text)).shape.hasHeader).toBe(hasHeader)
  })

  test('without a heading columns are numbered; empty and repeated names become unique', async () => {
    expect((await readText('a.csv', 'good,1\nbad,0\n')).columns).toEqual(['column 1', 'column 2'])
    const table = await readText('a.csv', 'a,a,,b\n1,2,3,4\n', { hasHeader: true })
    expect(table.columns).toEqual(['a', 'a (2)', 'column 3', 'b'])
  })
})

describe('a first line that says the separator, as Excel writes it', () => {
  const body = ['text;label', '"two', 'lines";straße', 'Grüße, bitte;x', 'b;y']
  const utf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le')
  const windows1252 = (text: string): Buffer => Buffer.from(text, 'latin1')
  test.each<[string, string, string, (text: string) => string | Uint8Array]>([
    ['LF', 'sep=;', '\n', (text) => text],
    ['CRLF', 'sep=;', '\r\n', (text) => text],
    ['CR', 'sep=;', '\r', (text) => text],
    ['capitals', 'SEP=;', '\r\n', (text) => text],
    ['quotation marks', '"Sep=;"', '\r\n', (text) => text],
    ['saved again by a spreadsheet', 'sep=;;', '\r\n', (text) => text],
    ['a byte order mark', 'sep=;', '\r\n', (text) => `\uFEFF${text}`],
    ['UTF-16', 'sep=;', '\r\n', utf16],
    ['UTF-16 big endian', 'sep=;', '\r\n', (text) => utf16(text).swap16()],
    ['windows-1252', 'sep=;', '\r\n', windows1252],
  ])('%s: skipped, and lines stay those of the file', async (_, first, end, encode) => {
    const table = await readText('a.csv', encode([first, ...body].join(end)))
    expect(table.shape).toMatchObject({ delimiter: ';', hasHeader: true })
    expect(table.columns).toEqual(['text', 'label'])
    expect(cellsOf(table)).toEqual([
      [`two${end}lines`, 'straße'],
      ['Grüße, bitte', 'x'],
      ['b', 'y'],
    ])
    expect(table.records.map(({ line, index }) => [line, index])).toEqual([
      [3, 1],
      [5, 2],
      [6, 3],
    ])
  })

  test.each<[string, Delimiter, string]>([
    ['sep=,', ',', 'text,label\na;b;c,x\nd;e;f,y\n'],
    ['sep=\t', '\t', 'text\tlabel\na;b,c\tx\nd;e,f\ty\n'],
    ['sep=\\t', '\t', 'text\tlabel\na;b,c\tx\nd;e,f\ty\n'],
    ['sep=|', '|', 'text|label\na;b|x\nd;e|y\n'],
  ])('%j is taken at its word', async (first, delimiter, text) => {
    const table = await readText('a.txt', `${first}\n${text}`)
    expect(table.shape.delimiter).toBe(delimiter)
    expect(table.columns).toEqual(['text', 'label'])
    expect(table.records).toHaveLength(2)
  })

  test('without a heading the first record is the line after it', async () => {
    const table = await readText('a.csv', 'sep=;\ngood;1\nbad;0\n')
    expect(table.shape.hasHeader).toBe(false)
    expect(table.columns).toEqual(['column 1', 'column 2'])
    expect(table.records.map(({ line }) => line)).toEqual([2, 3])
  })

  test('the person can say another separator, the line is still no row', async () => {
    const table = await readText('a.csv', 'sep=;\ntext,label\na,x\nb,y\n', { delimiter: ',' })
    expect(cellsOf(table)).toEqual([
      ['a', 'x'],
      ['b', 'y'],
    ])
  })

  test('a separator that is not understood is refused, nothing after the line is an empty file', async () => {
    const problem = await problemOf(sourceOf('a.csv', 'sep=:\ntext:label\na:x\n'))
    expect(problem).toMatchObject({ code: 'table.unknown-format', where: 'a.csv, line 1' })
    expect(problem.message).toContain('":"')
    expect((await problemOf(sourceOf('a.csv', 'sep=;\r\n'))).code).toBe('table.empty')
  })

  test('it is looked for in the first line only, and a word after the sign is a name', async () => {
    const later = await readText('a.csv', 'text,label\nsep=;,x\nb,y\n')
    expect(cellsOf(later)[0]).toEqual(['sep=;', 'x'])
    const name = await readText('a.csv', 'sep=a,label\nb,x\nc,y\n')
    expect(name.columns).toEqual(['sep=a', 'label'])
  })
})

describe('broken quoting', () => {
  test('text after a closing quotation mark leaves that record out and says where it opened', async () => {
    const table = await readText('a.csv', 'text,label\n"one" two,x\nthree,y\n"four\nfive" six,z\nseven,x\n')
    expect(cellsOf(table)).toEqual([
      ['three', 'y'],
      ['seven', 'x'],
    ])
    expect(table.leftOut.map(({ line }) => line)).toEqual([2, 4])
    expect(table.leftOut[1]!.reason).toContain('opens on line 4')
    expect(table.leftOut[1]!.reason).toContain('lines 4 to 5')
  })

  test('bug: broken quoting in the first record lost every record after it', async () => {
    const text = '"one" two,1\nthree,0\nfour,0\n'
    for (const options of [{}, { hasHeader: false }]) {
      const table = await readText('a.csv', text, options)
      expect(table.shape.hasHeader).toBe(false)
      expect(table.leftOut.map(({ line }) => line)).toEqual([1])
      expect(table.columns).toEqual(['column 1', 'column 2'])
      expect(cellsOf(table)).toEqual([
        ['three', '0'],
        ['four', '0'],
      ])
    }
  })

  test('a quotation mark that is never closed is a Problem with the line where it opened', async () => {
    const problem = await problemOf(sourceOf('a.csv', 'text,label\none,x\n"two,y\nthree,x\nfour,y\n'))
    expect(problem.code).toBe('table.quote-not-closed')
    expect(problem.where).toBe('a.csv, line 3')
    expect(problem.message).toContain('line 3')
  })

  test('an open quoted cell longer than the limit is told as an open quotation mark, not as a long line', async () => {
    const text = `text,label\none,x\n"two,y\n${'three,z\n'.repeat(100)}`
    const problem = await problemOf(sourceOf('a.csv', text), { recordCharacters: 200 })
    expect(problem.code).toBe('table.quote-not-closed')
    expect(problem.where).toBe('a.csv, line 3')
  })

  test('a row with too many cells is left out with both counts', async () => {
    const table = await readText('a.csv', 'a,b\n1,2,3\n4,5\n')
    expect(table.leftOut).toEqual([
      expect.objectContaining({
        line: 2,
        index: 1,
        reason:
          'The line has 3 cells, the heading has 2. If a text contains the delimiter (comma), it must be saved with quotation marks.',
      }),
    ])
    expect(table.records[0]!.index).toBe(2)
  })

  test('more columns than the limit is a Problem with the line', async () => {
    const problem = await problemOf(sourceOf('a.csv', `a,b\n1,2\n${','.repeat(5000)}\n`))
    expect(problem).toMatchObject({ code: 'limit.exceeded', where: 'a.csv, line 3' })
  })
})

/** A random table whose cells hold everything that needs quoting, written as RFC 4180 says. */
function drawTable(chance: Chance, delimiter: Delimiter): { cells: string[][]; text: string } {
  const end = chance.pick(['\n', '\r\n'])
  const width = 2 + chance.below(3)
  const bits = ['a', 'ü', '語', '😀', '"', delimiter, '\n', '\r\n', ' ', 'word', '']
  const cells = Array.from({ length: 1 + chance.below(6) }, () =>
    Array.from({ length: width }, () =>
      Array.from({ length: chance.below(5) }, () => chance.pick(bits)).join(''),
    ),
  )
  const needsQuotes = (cell: string): boolean => /["\r\n]/.test(cell) || cell.includes(delimiter)
  const write = (cell: string): string =>
    needsQuotes(cell) || chance.below(4) === 0 ? `"${cell.replaceAll('"', '""')}"` : cell
  const text = cells.map((row) => row.map(write).join(delimiter)).join(end)
  return { cells, text: chance.below(2) === 0 ? text : text + end }
}

describe('properties', () => {
  test('what RFC 4180 writes is read back, equal to csv-parse, in one piece or in many', () => {
    const chance = seeded(1)
    for (let round = 0; round < 1500; round += 1) {
      const delimiter = chance.pick<Delimiter>([',', ';', '\t', '|'])
      const { cells, text } = drawTable(chance, delimiter)
      const whole = parserFor(delimiter)
      const records = [...whole.push(text), ...whole.finish()]
      expect(records.map((record) => record.cells)).toEqual(cells)
      expect(parse(text, { delimiter })).toEqual(cells)
      expect(records.every(({ fault }) => fault === null)).toBe(true)
      const pieces = parserFor(delimiter)
      const cut = []
      for (let at = 0; at < text.length; ) {
        const length = 1 + chance.below(4)
        cut.push(...pieces.push(text.slice(at, at + length)))
        at += length
      }
      cut.push(...pieces.finish())
      expect(cut).toEqual(records)
    }
  })

  test('each record begins on the line that holds its first character', () => {
    const chance = seeded(2)
    for (let round = 0; round < 500; round += 1) {
      const { cells, text } = drawTable(chance, ',')
      const parser = parserFor(',')
      const records = [...parser.push(text), ...parser.finish()]
      let line = 1
      for (const [i, record] of records.entries()) {
        expect(record.line).toBe(line)
        line += 1 + cells[i]!.join('').split('\n').length - 1
        expect(record.endLine).toBe(line - 1)
      }
    }
  })
})

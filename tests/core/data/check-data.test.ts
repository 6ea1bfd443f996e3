// The data check on files of our own with known trouble, and on real ones.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkData, type DataReport, type WarningKind } from '#core/data/index.ts'
import { unwrap } from '#shared/result.ts'
import { findShared } from '../../support/models.ts'
import { fixture, messagesCsv, openWorkshop, type Workshop } from './data-support.ts'

let workshop: Workshop
beforeAll(() => {
  workshop = openWorkshop()
})
afterAll(() => workshop.remove())

const kinds = (report: DataReport): WarningKind[] => report.warnings.map(({ kind }) => kind)

describe('a German export: windows-1252, semicolons, CRLF', () => {
  const check = async (): Promise<DataReport> =>
    unwrap(await checkData(fixture('german-tickets-cp1252.csv'), { scenario: 'classification' }))

  test('is read as it was meant, with columns guessed', async () => {
    const report = await check()
    expect(report.format).toMatchObject({ encoding: 'windows-1252', encodingFrom: 'guess', delimiter: ';' })
    expect(report.columnsFound).toEqual(['Eingang', 'Nachricht', 'Team'])
    expect(report.columns).toEqual({ text: 'Nachricht', label: 'Team' })
    expect(report.usableRows).toBe(14)
  })

  test('rows left out have the line on which they begin and a reason in words', async () => {
    const report = await check()
    expect(report.leftOut.map(({ line, reason }) => [line, reason])).toEqual([
      [16, 'The text is empty.'],
      [17, 'The label is empty.'],
      [19, expect.stringContaining('closing quotation mark')],
      [20, 'The row has 4 cells where the table has 3 columns.'],
    ])
  })

  test('duplicates, contradictions and two spellings of a label are found', async () => {
    const report = await check()
    expect(report.duplicateRows).toBe(2)
    expect(report.contradictions).toEqual([
      {
        excerpt: 'Wo bleibt meine Bestellung?',
        answers: [
          { answer: 'Versand', line: 2 },
          { answer: 'Rechnung', line: 12 },
        ],
      },
    ])
    expect(report.labels).toEqual([
      { label: 'Rechnung', rows: 7 },
      { label: 'Versand', rows: 6 },
      { label: 'versand', rows: 1 },
    ])
    expect(kinds(report)).toEqual([
      'encoding-guessed',
      'many-left-out',
      'duplicates',
      'contradictions',
      'label-spellings',
      'few-per-label',
      'few-rows',
      'small-test-set',
    ])
  })
})

describe('JSONL with broken lines', () => {
  test('good lines are used, bad ones are listed, a long number is remarked on', async () => {
    const report = unwrap(await checkData(fixture('troubled.jsonl'), { scenario: 'classification' }))
    expect(report.usableRows).toBe(11)
    expect(report.leftOut.map(({ line }) => line)).toEqual([4, 6, 14, 15])
    expect(report.notes).toEqual([{ line: 16, text: expect.stringContaining('"customer"') }])
  })
})

describe('warnings', () => {
  const report = async (
    text: string,
    scenario: 'classification' | 'question-answering',
  ): Promise<DataReport> => unwrap(await checkData(workshop.write('warn.csv', text), { scenario }))

  test('a thousand clean rows are warned of nothing', async () => {
    expect((await report(messagesCsv(1200), 'classification')).warnings).toEqual([])
  })

  test('damaged characters', async () => {
    const text = messagesCsv(1200)
      .replace('Message number 3,', 'Ca\uFFFD number 3,')
      .replace('Message number 9,', 'CafÃ© 9,')
    const found = await report(text, 'classification')
    expect(found.warnings).toEqual([expect.objectContaining({ kind: 'damaged-characters', lines: [5, 11] })])
  })

  test('one label that dominates', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) => `message ${i},${i % 10 === 0 ? 'rare' : 'usual'}`)
    const found = await report(`text,label\n${rows.join('\n')}`, 'classification')
    expect(kinds(found)).toEqual(['one-label-dominates'])
    expect(found.warnings[0]!.text).toContain('90 %')
  })

  test('one question with several answers, where passages differ, is no contradiction', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) => `What is it?,answer ${i},passage ${i}`)
    expect(
      (await report(`question,answer,context\n${rows.join('\n')}`, 'question-answering')).warnings,
    ).toEqual([])
  })

  test('a small test set is told with the points it is uncertain by', async () => {
    const found = await report(messagesCsv(500), 'classification')
    expect(found.split).toEqual({ train: 325, validation: 75, test: 100 })
    expect(found.warnings).toEqual([expect.objectContaining({ kind: 'small-test-set' })])
    expect(found.warnings[0]!.text).toContain('up to 10 points')
  })
})

describe('refusals', () => {
  test.each([
    ['an empty file', '', 'table.empty'],
    ['only a heading', 'text,label\n', 'table.empty'],
    ['one label', 'text,label\na b,x\nc d,x\ne f,x\ng h,x\n', 'data.too-few-rows'],
    ['no row that can be used', '{"text":1,"text":2}\n{"a":1,"a":1}\n', 'data.too-few-rows'],
    ['an open quotation mark', 'text,label\n"a,x\nb,y\n', 'table.quote-not-closed'],
    ['columns nobody can guess', 'c1,c2\n1,2\n3,4\n', 'data.columns'],
  ])('%s', async (_, text, code) => {
    const result = await checkData(workshop.write('bad.csv', text), { scenario: 'classification' })
    expect(result).toMatchObject({ ok: false, problem: { code } })
  })

  test('too few rows are reported on, without a split', async () => {
    const path = workshop.write('few.csv', 'text,label\na b,x\nc d,y\n')
    expect(unwrap(await checkData(path, { scenario: 'classification' })).split).toBeNull()
  })

  test('a missing file and a folder', async () => {
    const missing = await checkData(join(workshop.library.home, 'nothing.csv'), {
      scenario: 'classification',
    })
    expect(missing).toMatchObject({ ok: false, problem: { code: 'file.missing' } })
    const folder = await checkData(workshop.library.home, { scenario: 'classification' })
    expect(folder).toMatchObject({ ok: false, problem: { code: 'file.unsafe' } })
  })
})

describe('real files', () => {
  const spam = findShared('realdata/classification_spam.jsonl')
  test.skipIf(spam === null)(
    'real mail: labels counted, damaged rows found, one zero byte left out',
    async () => {
      const report = unwrap(await checkData(spam!, { scenario: 'classification' }))
      expect(report.labels).toEqual([
        { label: 'ham', rows: 816 },
        { label: 'spam', rows: 337 },
      ])
      expect(report.leftOut).toEqual([
        expect.objectContaining({ line: 970, reason: expect.stringContaining('zero byte') }),
      ])
      expect(report.warnings[0]).toMatchObject({
        kind: 'damaged-characters',
        text: expect.stringContaining('36 rows'),
      })
    },
  )
})

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
      [20, expect.stringContaining('The line has 4 cells, the heading has 3.')],
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
    const warned = (kind: WarningKind) => report.warnings.find((warning) => warning.kind === kind)
    expect(warned('duplicates')!.lines).toHaveLength(4)
    expect(warned('duplicates')!.lines).toEqual(expect.arrayContaining([2, 12]))
    expect(warned('label-spellings')!.text).toMatch(/"versand" is on line \d+\./)
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

describe('rows left out before the first good one', () => {
  const bad = '{"text":1,"text":2}\n'.repeat(2500)

  test('however many they are, the good rows are found', async () => {
    const good = Array.from({ length: 60 }, (_, i) =>
      JSON.stringify({ text: `text ${i}`, label: `l${i % 2}` }),
    )
    const path = workshop.write('late.jsonl', bad + good.join('\n'))
    const report = unwrap(await checkData(path, { scenario: 'classification' }))
    expect([report.leftOutRows, report.usableRows]).toEqual([2500, 60])
    expect(report.leftOut.map(({ line }) => line)).toEqual(Array.from({ length: 2500 }, (_, i) => i + 1))
  })

  test('and where none follows, all of them are counted', async () => {
    const result = await checkData(workshop.write('none.jsonl', bad), { scenario: 'classification' })
    expect(result).toMatchObject({
      ok: false,
      problem: { code: 'data.too-few-rows', message: expect.stringContaining('None of the 2500 rows') },
    })
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

  test('no heading, with the line that was read as a row', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) => `message number ${i};${i % 2 === 0 ? 'pos' : 'neg'}`)
    const found = await report(`sep=;\n${rows.join('\n')}`, 'classification')
    expect(found.warnings).toEqual([expect.objectContaining({ kind: 'no-heading', lines: [2] })])
    expect(found.warnings[0]!.text).toContain('"column 1", "column 2"')
    expect(found.usableRows).toBe(1200)
  })

  test('repeats name at most ten lines, each with the one it repeats', async () => {
    const clean = messagesCsv(1200)
    const one = await report(`${clean}"MESSAGE number 3, please",label 0\n`, 'classification')
    expect(one.warnings).toEqual([expect.objectContaining({ kind: 'duplicates', lines: [5, 1202] })])
    const many = await report(clean + clean.slice(clean.indexOf('\n') + 1), 'classification')
    expect(many.warnings[0]!.lines).toEqual([2, 3, 4, 5, 6, 1202, 1203, 1204, 1205, 1206])
  })

  test('a label in two spellings names the first lines of the rarer one', async () => {
    const lines = messagesCsv(1200).split('\n')
    for (const line of [4, 10, 16, 22, 28, 34, 40, 46, 52, 58, 64, 70])
      lines[line - 1] = lines[line - 1]!.replace(/label \d/, 'Label  2')
    const found = await report(lines.join('\n'), 'classification')
    expect(found.warnings).toEqual([
      expect.objectContaining({
        kind: 'label-spellings',
        lines: [4, 10, 16, 22, 28, 34, 40, 46, 52, 58],
      }),
    ])
    expect(found.warnings[0]!.text).toContain('"Label  2" is on lines 4, 10, 16 and others')
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

  test('of a goal without right answers no points are said, and of a tiny test set that nothing can be proved', async () => {
    const passages = Array.from({ length: 500 }, (_, i) => `Passage ${i} of a text\n`).join('')
    const path = workshop.write('texts.csv', `text\n${passages}`)
    const texts = unwrap(await checkData(path, { scenario: 'creative-writing' }))
    expect(texts.warnings.map(({ text }) => text).join(' ')).not.toContain('points')
    const tiny = await report(messagesCsv(40), 'classification')
    expect(tiny.warnings.map(({ text }) => text).join(' ')).toContain('8 rows: too few to prove anything')
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
    const few = unwrap(await checkData(path, { scenario: 'classification' }))
    expect(few.split).toBeNull()
    expect(kinds(few)).toEqual(['few-per-label', 'too-few-rows'])
    const needed = Number(/at least (\d+) rows/.exec(few.warnings[1]!.text)?.[1])
    const rows = Array.from({ length: needed }, (_, i) => `text ${i},${i % 2 === 0 ? 'x' : 'y'}`)
    const enough = workshop.write('enough.csv', `text,label\n${rows.join('\n')}`)
    expect(unwrap(await checkData(enough, { scenario: 'classification' })).split).not.toBeNull()
  })

  test('one label because the other rows were left out: the first reason is told', async () => {
    const path = workshop.write('one.csv', 'sep=;\ntext;label\nHello there;a\nBye; now;b\n')
    const result = await checkData(path, { scenario: 'classification' })
    expect(result).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining('on line 4: The line has 3 cells, the heading has 2.') },
    })
  })

  test('shares that leave nothing to train on are no matter of too few rows', async () => {
    const path = workshop.write('shares.csv', messagesCsv(50))
    const result = await checkData(path, { scenario: 'classification', validationShare: 0.5, testShare: 0.5 })
    expect(result).toMatchObject({ ok: false, problem: { code: 'recipe.invalid' } })
  })

  test('unclear columns of a file without a heading say that there is none', async () => {
    const path = workshop.write('bare.csv', 'one,1,a b\ntwo,2,c d\nthree,3,e f\n')
    const result = await checkData(path, { scenario: 'classification' })
    expect(result).toMatchObject({
      ok: false,
      problem: { code: 'data.columns', message: expect.stringContaining('No heading was found') },
    })
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

// Files of every scenario, from the first byte to rows: small ones written for this, and real ones where they are there.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CheckOptions, checkData, prepareData } from '#core/data/check-data.ts'
import { groupRows } from '#core/data/groups.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { findShared } from '../../support/models.ts'
import { openWorkshop } from './data-support.ts'

const fixture = (name: string): string => join('tests', 'fixtures', 'scenarios', name)
const prepare = (path: string, scenario: ScenarioId, columns: CheckOptions['columns'] = null) =>
  prepareData(path, { scenario, columns, validationShare: 0, testShare: 0 })

describe('files written for this', () => {
  test('CoNLL: a sentence is a row, and says the line it begins on', async () => {
    const { read, facts } = await prepare(fixture('sentences.conll'), 'entity-recognition')
    expect(read.shape.format).toBe('conll')
    expect(read.rows.map(({ line, fields }) => [line, fields.text, fields.entities])).toEqual([
      [3, 'Anna Lind moved to Lisbon .', 'PERSON: Anna Lind\nPLACE: Lisbon'],
      [10, 'It rained .', 'none'],
      [14, 'Ben met Anna', 'PERSON: Ben\nPERSON: Anna'],
    ])
    expect(facts.labels).toEqual(['PERSON', 'PLACE'])
  })

  test.each(['domain', 'creative-writing'] as const)('Markdown: passages for %s', async (scenario) => {
    const { read } = await prepare(fixture('harbour.md'), scenario)
    expect(read.shape.format).toBe('text')
    expect(read.rows).toEqual([
      {
        rowId: 'r1',
        line: 1,
        fields: { text: expect.stringMatching(/^# The harbour[\s\S]*opens at eight\.$/) },
      },
    ])
  })

  test('the same Markdown is no table for another scenario', async () => {
    const result = await checkData(fixture('harbour.md'), { scenario: 'translation' })
    expect(result).toMatchObject({ ok: false, problem: { code: 'table.unknown-format' } })
  })

  test('ShareGPT: conversations with a system message, notes, and a row left out with its reason', async () => {
    const { read } = await prepare(fixture('sharegpt.json'), 'chatbot')
    expect(read.rows.map(({ fields }) => fields.assistant)).toEqual(['At four and at six.', 'Here you are.'])
    const [first, second] = read.rows.map((row) => scenarioOf('chatbot').toExamples(row, 'Be kind.'))
    expect(first?.map(({ answer }) => answer)).toEqual(['Yes, from the north pier.', 'At four and at six.'])
    expect(first?.[0]?.prompt[0]?.content).toBe('You sell tickets.')
    expect(second?.[0]?.prompt.map(({ content }) => content)).toEqual([
      'Be kind.',
      'Hello,\ntwo tickets please.',
    ])
    expect(read.leftOut.map(({ reason }) => reason)).toEqual([
      'Message 2 is spoken by "function_call", who is neither user, assistant nor system.',
    ])
    expect(read.notes).toHaveLength(1)
  })
})

test.each<[ScenarioId, string, Record<string, string>]>([
  [
    'translation',
    'id,Englisch,Deutsch\n1,Hello there,Hallo\n2,Bye,Tschüss\n',
    { source: 'Englisch', target: 'Deutsch' },
  ],
  [
    'translation',
    'src;tgt;tgt_lang\na;b;de\nc;d;de\n',
    { source: 'src', target: 'tgt', targetLanguage: 'tgt_lang' },
  ],
  [
    'summarisation',
    'c1,c2\nShort.,A much longer text than the other one.\nBrief.,Again a text that goes on and on.\n',
    { document: 'c2', summary: 'c1' },
  ],
  [
    'summarisation',
    'artikel,zusammenfassung\na b,c\nd e,f\n',
    { document: 'artikel', summary: 'zusammenfassung' },
  ],
  ['creative-writing', 'title,poem\nSea,Waves.\nSky,Clouds.\n', { text: 'poem', prompt: 'title' }],
  [
    'code',
    'prompt,code,test_list,lang\nDo,x = 1,assert x,py\nGo,y = 1,assert y,py\n',
    { task: 'prompt', code: 'code', tests: 'test_list', language: 'lang' },
  ],
  [
    'chatbot',
    'instruction,input,output\nDo,it,Done\nGo,,Gone\n',
    { user: 'instruction', context: 'input', assistant: 'output' },
  ],
  [
    'entity-recognition',
    'words,labels\nAnna met Ben,B-P O B-P\nIt rained,O O\n',
    { tokens: 'words', tags: 'labels' },
  ],
  ['entity-recognition', 'sentence\n[Anna](P) came.\nIt rained.\n', { text: 'sentence' }],
  ['domain', 'id,page content\n1,A text.\n2,Another one.\n', { text: 'page content' }],
])('%s from %j', async (scenario, csv, columns) => {
  const workshop = openWorkshop()
  try {
    const { read } = await prepare(workshop.write('a.csv', csv), scenario)
    expect(read.match.columns).toEqual(columns)
    expect(read.rows).toHaveLength(2)
    const ids = read.rows.flatMap((row) =>
      scenarioOf(scenario)
        .toExamples(row, 'Do.')
        .map(({ rowId }) => rowId),
    )
    expect(new Set(ids).size).toBe(ids.length)
  } finally {
    workshop.remove()
  }
})

describe('what cannot be used is said', () => {
  test.each<[ScenarioId, string, RegExp]>([
    ['entity-recognition', 'text\nAnna came.\nIt rained.\n', /No row has a marked name/],
    ['chatbot', 'a,b,c\n1,2,3\n4,5,6\n', /not clear which column holds the conversation/],
    ['entity-recognition', 'tokens,tags\n"[""a""]","[""O"", ""O""]"\n', /1 words and 2 tags/],
  ])('%s: %j', async (scenario, csv, words) => {
    const workshop = openWorkshop()
    try {
      const result = await checkData(workshop.write('a.csv', csv), { scenario })
      expect(!result.ok && result.problem.message).toMatch(words)
    } finally {
      workshop.remove()
    }
  })
})

test('passages of one document stay together, and with them the documents that repeat one of them', () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    rowId: i % 2 === 0 ? `r${i / 2 + 1}` : `r${(i + 1) / 2}.2`,
    line: i + 1,
    fields: { text: `${i}` },
  }))
  const keys = rows.map((_, i) => (i === 5 ? '0' : `${i}`))
  const groups = groupRows(rows, keys)
  expect(groups[1]).toBe(groups[0])
  expect(groups[4]).toBe(groups[0])
  expect(groups[5]).toBe(groups[0])
  expect(groups[2]).not.toBe(groups[0])
  expect(new Set(groups).size).toBe(29)
  expect(groupRows(rows.slice(0, 10), keys.slice(0, 10))).toEqual(keys.slice(0, 10))
})

const real = findShared('realdata/README.md')
describe.skipIf(real === null)('real files', () => {
  test.each<[string, ScenarioId, number, number, string[]]>([
    ['mt_xquad.jsonl', 'translation', 2292, 0, []],
    ['summarization_scitldr.jsonl', 'summarisation', 780, 0, []],
    ['ner_finance.jsonl', 'entity-recognition', 1101, 0, ['LOC', 'ORG', 'PER']],
    [
      'messy/wnut17_emerging.dev.conll',
      'entity-recognition',
      1009,
      0,
      ['corporation', 'creative-work', 'group', 'location', 'person', 'product'],
    ],
    ['code_mbpp.jsonl', 'code', 963, 0, []],
    ['chat_chitchat.jsonl', 'chatbot', 837, 0, []],
    ['chat_chatterbot.jsonl', 'chatbot', 897, 0, []],
    ['messy/llamafactory_alpaca_en_demo.json', 'chatbot', 999, 0, []],
    ['messy/llamafactory_glaive_toolcall_en_demo.json', 'chatbot', 147, 153, []],
    ['messy/sample-french-1_cp1252.txt', 'domain', 4, 0, []],
    ['qa_faq_perl.jsonl', 'domain', 396, 0, []],
  ])('%s as %s', async (name, scenario, rows, leftOut, labels) => {
    const { read, facts } = await prepare(join(real!, '..', name), scenario)
    expect([read.rows.length, read.leftOutCount]).toEqual([rows, leftOut])
    expect(facts.labels).toEqual(labels)
  })
})

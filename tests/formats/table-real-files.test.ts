// Real files nobody on this project wrote: each table ends in rows, every other file in one clear Problem.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { findShared } from '../support/models.ts'
import { readWholeTable } from './table-support.ts'

const folder = findShared('realdata')

/** Rows, rows left out, first columns; or the Problem's code. Counted by hand or by the file's own description. */
const expected: Readonly<Record<string, [number, number, string[]] | string>> = {
  'classification_spam.jsonl': [1153, 1, ['text', 'label']],
  'qa_faq_perl.jsonl': [301, 0, ['question', 'answer']],
  'mt_xquad.jsonl': [2292, 0, ['source', 'target']],
  'summarization_scitldr.jsonl': [780, 0, ['document', 'summary']],
  'ner_wnut17.jsonl': [2000, 0, ['tokens', 'tags']],
  'ner_finance.jsonl': [1101, 0, ['tokens', 'tags']],
  'code_mbpp.jsonl': [963, 0, ['task_id', 'prompt']],
  'chat_chitchat.jsonl': [837, 0, ['id', 'topic']],
  'chat_chatterbot.jsonl': [897, 0, ['messages', 'category']],
  'instruct_human.jsonl': [427, 0, ['instruction', 'input']],
  'messy/exonerations-20150828.csv': [1651, 0, ['last_name', 'first_name']],
  'messy/markitdown_test_mskanji.csv': [3, 0, ['名前', '年齢']],
  'messy/sample-polish_semicolon_crlf.csv': [203, 0, ['source', 'target']],
  'messy/tiny_mac_newlines.csv': [2, 0, ['a', 'b']],
  'messy/tiny_null_byte.csv': [0, 1, ['a', 'b']],
  'messy/tiny_test_header_newline.csv': [1, 0, ['start end', 'b']],
  'messy/tiny_test_latin1.csv': [2, 0, ['a', 'b']],
  'messy/tiny_test_utf16_little.csv': [2, 0, ['a', 'b']],
  'messy/wnut17_emerging.dev.conll': [15_733, 0, ['column 1', 'column 2']],
  'messy/llamafactory_alpaca_en_demo.json': [999, 0, ['instruction', 'input']],
  'messy/llamafactory_glaive_toolcall_en_demo.json': [300, 0, ['conversations', 'tools']],
  'messy/xquad.de.json': [48, 0, ['paragraphs', 'title']],
}

test.skipIf(folder === null)('every real file ends in its rows or in one clear Problem', async () => {
  const found: Record<string, [number, number, string[]] | string> = {}
  for (const name of readdirSync(folder!, { recursive: true, encoding: 'utf8' })) {
    if (!statSync(join(folder!, name)).isFile()) continue
    const file = await openFileBytes(join(folder!, name))
    const result = await readWholeTable(file)
    await file.close()
    const key = name.replaceAll('\\', '/')
    if (result.ok) {
      const { records, leftOut, columns } = result.value
      found[key] = [records.length, leftOut.length, columns.slice(0, 2)]
    } else {
      found[key] = result.problem.code
      expect(result.problem.remedy).not.toBe('')
    }
  }
  for (const [name, what] of Object.entries(found))
    expect({ name, what }).toEqual({ name, what: expected[name] ?? 'table.unknown-format' })
  for (const name of Object.keys(expected)) expect(Object.keys(found)).toContain(name)
})

test.skipIf(folder === null)('every JSONL value equals what JSON.parse reads', async () => {
  const path = join(folder!, 'qa_faq_perl.jsonl')
  const file = await openFileBytes(path)
  const result = await readWholeTable(file)
  await file.close()
  const theirs = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(result.ok && result.value.records.map(({ values }) => Object.fromEntries(values))).toEqual(theirs)
})

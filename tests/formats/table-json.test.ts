// JSONL and JSON: what counts as a row, what JSON.parse would hide, and agreement with JSON.parse on what is JSON.
import { describe, expect, test } from 'vitest'
import { ElementCutter, LineCutter, type RowText } from '#formats/json-rows.ts'
import { JsonSyntaxFault, readJsonRow } from '#formats/json-value.ts'
import { tableLimits } from '#formats/table-types.ts'
import { mutate, seeded } from '../support/seeded.ts'
import { problemOf, readText, sourceOf } from './table-support.ts'

describe('JSONL', () => {
  test('each object is a record with its line; blank lines do not count', async () => {
    const table = await readText(
      'a.jsonl',
      '{"text":"one","n":1}\n\n{"text":"two","n":2.50}\r\n{"n":null,"ok":true}',
    )
    expect(table.shape).toMatchObject({ format: 'jsonl', delimiter: null })
    expect(table.records.map(({ line, values }) => [line, Object.fromEntries(values)])).toEqual([
      [1, { text: 'one', n: '1' }],
      [3, { text: 'two', n: '2.50' }],
      [4, { n: '', ok: 'true' }],
    ])
    expect(table.columns).toEqual(['text', 'n', 'ok'])
  })

  test('a bad line is left out with its place, the others are kept', async () => {
    const table = await readText('a.jsonl', '{"text":"one"}\n{"text":"two"\n{"text":"three"}\n["four"]\n')
    expect(table.records.map(({ line }) => line)).toEqual([1, 3])
    expect(table.leftOut.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'Not valid JSON at character 14: expected a comma or }, found the end.'],
      [4, 'Expected an object with named fields, { "name": "value", ... }, and found a list.'],
    ])
  })

  test('a first line that is broken does not hide that the file is JSONL', async () => {
    const table = await readText('a.txt', '{"text": oops}\n{"text":"two"}\n{"text":"three"}\n')
    expect(table.shape.format).toBe('jsonl')
    expect(table.leftOut.map(({ line }) => line)).toEqual([1])
  })

  test('content decides, not the name', async () => {
    expect((await readText('a.csv', '{"text":"one"}\n{"text":"two"}\n')).shape.format).toBe('jsonl')
    expect((await readText('a.jsonl', 'text,label\none,x\ntwo,y\n', { format: 'csv' })).records).toHaveLength(
      2,
    )
    expect((await readText('a.jsonl', '[{"text":"one"},{"text":"two"}]')).shape.format).toBe('json')
  })

  test('bug: one object and a line of blanks that JSON does not know ended in a throw', async () => {
    for (const blank of ['\u00a0', '\u2028', '\f\n\v'])
      expect((await readText('a.jsonl', `{"text":"one"}\n${blank}\n`)).records).toHaveLength(1)
  })

  test('column names are kept up to the limit, whatever the rows hold', async () => {
    const rows = Array.from({ length: tableLimits.columns + 10 }, (_, i) => `{"key ${i}":"x"}\n`)
    const table = await readText('a.jsonl', rows.join(''))
    expect(table.records).toHaveLength(rows.length)
    expect(table.columns).toHaveLength(tableLimits.columns)
  })

  test.each([
    ['a name that occurs twice', '{"text":"a","text":"b"}', '"text" occurs twice'],
    ['a name that occurs twice deeper down', '{"x":[{"b":1,"b":2}]}', '"b" occurs twice'],
    ['a nested name that meets a dotted one', '{"a.b":1,"a":{"b":2}}', '"a.b" occurs twice'],
    ['half a character', '{"text":"a\\ud800b"}', 'half a character'],
    ['a zero byte', '{"text":"a\\u0000b"}', 'zero byte'],
    ['NaN, as Python writes it', '{"text":NaN}', 'expected a value, found N'],
    ['brackets 100 000 deep', `{"x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 'more than 64 deep'],
  ])('%s leaves the row out', async (_, line, reason) => {
    const table = await readText('a.jsonl', `{"text":"good"}\n${line}\n{"text":"good too"}\n`)
    expect(table.records).toHaveLength(2)
    expect(table.leftOut).toEqual([expect.objectContaining({ line: 2, index: 2 })])
    expect(table.leftOut[0]!.reason).toContain(reason)
  })

  test('whole numbers beyond 2^53 are kept digit by digit and said', async () => {
    const table = await readText('a.jsonl', '{"id":9007199254740993}\n{"id":9007199254740991}\n{"id":1e30}\n')
    expect(table.records[0]!.values.get('id')).toBe('9007199254740993')
    expect(table.notes).toEqual([{ kind: 'note', line: 1, text: expect.stringContaining('"id"') }])
  })

  test('__proto__ and constructor are names like any other', async () => {
    const table = await readText('a.jsonl', '{"__proto__":{"polluted":"yes"},"constructor":"c"}\n')
    expect(table.records[0]!.values.get('__proto__.polluted')).toBe('yes')
    expect(table.records[0]!.values.get('constructor')).toBe('c')
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })

  test('nested objects become dotted columns, lists keep their JSON text', async () => {
    const table = await readText('a.jsonl', '{"q":{"text":"why"},"tags":["a", 1]}\n')
    expect(Object.fromEntries(table.records[0]!.values)).toEqual({ 'q.text': 'why', tags: '["a", 1]' })
  })
})

describe('JSON', () => {
  test('a list of objects, each on the line where it begins', async () => {
    const table = await readText('a.json', '[\n  {"text": "one"},\n  {\n    "text": "two"\n  }\n]\n')
    expect(table.shape).toMatchObject({ format: 'json', listName: null })
    expect(table.records.map(({ line }) => line)).toEqual([2, 3])
  })

  test('an object with one list of objects; other members are passed over', async () => {
    const text =
      '{"version": "1.1", "tags": [1, [2], "}"], "data": [{"text":"one"},{"text":"two"}], "n": -1.5e3}'
    const table = await readText('a.json', text)
    expect(table.shape.listName).toBe('data')
    expect(table.records).toHaveLength(2)
  })

  test('two lists of objects are refused by name', async () => {
    const problem = await problemOf(sourceOf('a.json', '{"train":[{"a":1}],\n"test":[{"a":2}]}'))
    expect(problem).toMatchObject({ code: 'table.unknown-format', where: 'a.json, line 2' })
    expect(problem.message).toContain('"train" and "test"')
  })

  test('an element that is no object is left out', async () => {
    const table = await readText('a.json', '[{"a":1}, 2, "three", [4], null, {"a":5}]')
    expect(table.records.map(({ index }) => index)).toEqual([1, 6])
    expect(table.leftOut.map(({ index }) => index)).toEqual([2, 3, 4, 5])
  })

  test.each([
    ['cut off in an element', '[\n{"a":1},\n{"a":', 'a.json, line 3'],
    ['cut off after an element', '[\n{"a":1}\n', 'a.json, line 3'],
    ['a missing comma', '[\n{"a":1}\n{"a":2}]', 'a.json, line 3'],
    ['a trailing comma', '[{"a":1},\n]', 'a.json, line 2'],
    ['a fault inside an element', '[\n{"a":1},\n{"b":2,\n"a" 1}]', 'a.json, line 4'],
    ['something after the end', '[{"a":1}]\n{"a":2}', 'a.json, line 2'],
  ])('%s is one Problem with its line', async (_, text, where) => {
    expect(await problemOf(sourceOf('a.json', text))).toMatchObject({ code: 'table.invalid-json', where })
  })

  test('no list of objects is a Problem', async () => {
    const problem = await problemOf(sourceOf('a.json', '{\n"a": {"0": "x"},\n"b": [1]\n}'))
    expect(problem.code).toBe('table.unknown-format')
  })
})

describe('properties', () => {
  const seeds = [
    '{"text":"caf\\u00e9 \\"quoted\\"","n":-0.5e-3,"deep":{"a":[1,{"b":[]}],"c":{}},"t":true,"f":false,"z":null}',
    '{"a":"","b":"\\ud83d\\ude00","c":[[],[{}],"x"]}',
  ].map((text) => new TextEncoder().encode(text))
  const marks = [...'{}[]",:\\\n\r\t 0129.-+eEtfnu/'].map((mark) => mark.charCodeAt(0))

  test('exactly what JSON.parse accepts as an object is accepted', () => {
    const chance = seeded(3)
    let accepted = 0
    const wrong: string[] = []
    for (let round = 0; round < 10_000; round += 1) {
      const text = new TextDecoder().decode(mutate(chance.pick(seeds), chance, marks))
      const theirs = tryParse(text)
      const ours = tryRead(text)
      if ((ours !== null) !== (theirs !== undefined)) wrong.push(text)
      if (ours === null || ours.fault !== null || theirs === null) continue
      accepted += 1
      for (const [key, value] of Object.entries(theirs as object))
        if (typeof value === 'string' && ours.values.get(key) !== value) wrong.push(text)
    }
    expect(wrong).toEqual([])
    expect(accepted).toBeGreaterThan(250)
  })

  test('rows are cut the same whether the text comes whole or in pieces', () => {
    const chance = seeded(4)
    const texts = [
      '{"v":[1,"]"],"data":[ {"a":"x,\\"}]"} , {"b":{"c":[1,2]}},\r\n3 ,"s", null ],"w":{"x":[]}}',
      '[{"a":1},\r\n\r{"a":2}\n]',
    ]
    for (let round = 0; round < 400; round += 1) {
      const text = chance.pick(texts)
      expect(cutUp(new ElementCutter('t', 1e6), text, chance.below)).toEqual(
        cutUp(new ElementCutter('t', 1e6), text, () => text.length),
      )
      const lines = text.replaceAll('},', '}\r')
      expect(cutUp(new LineCutter('t', 1e6), lines, chance.below)).toEqual(
        cutUp(new LineCutter('t', 1e6), lines, () => lines.length),
      )
    }
  })
})

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function tryRead(text: string): ReturnType<typeof readJsonRow> | null {
  try {
    return readJsonRow(text)
  } catch (error) {
    if (error instanceof JsonSyntaxFault) return null
    throw error
  }
}

function cutUp(
  cutter: { push(text: string): RowText[]; finish(): RowText[] },
  text: string,
  length: (below: number) => number,
): RowText[] {
  const rows: RowText[] = []
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + length(4)
    rows.push(...cutter.push(text.slice(at, end)))
    at = end
  }
  return [...rows, ...cutter.finish()]
}

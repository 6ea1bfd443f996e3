// Files that are far too long, broken at the far end, or mutated at random: bounded reading, rows or one typed Problem.
import { describe, expect, test } from 'vitest'
import { openTable, type TableEvent, tableLimits } from '#formats/table.ts'
import type { Problem, Result } from '#shared/result.ts'
import { type Chance, mutate, seeded } from '../support/seeded.ts'
import { endlessSource, readWholeTable, sourceOf } from './table-support.ts'

const gigabyte = 1_000_000_000

/** Reads to the end without keeping anything. Heap and buffers at their highest, over what was there before. */
async function drain(
  source: Parameters<typeof openTable>[0],
): Promise<{ problem: Problem | null; records: number; grownBytes: number }> {
  const used = (): number => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = used()
  let highest = before
  let records = 0
  const table = await openTable(source)
  if (!table.ok) return { problem: table.problem, records, grownBytes: used() - before }
  for await (const batch of table.value.batches()) {
    highest = Math.max(highest, used())
    if (!batch.ok) return { problem: batch.problem, records, grownBytes: highest - before }
    records += batch.value.length
  }
  return { problem: null, records, grownBytes: highest - before }
}

describe('a line of 1 GB', () => {
  test.each<
    [what: string, name: string, head: string, filler: string, tail: string, code: string, line: number]
  >([
    ['CSV', 'a.csv', 'text,label\n', 'word ', '', 'table.line-too-long', 2],
    ['CSV in an open quoted cell', 'a.csv', 'text,label\na,b\n"', 'wörd\n', '', 'table.quote-not-closed', 3],
    ['JSONL', 'a.jsonl', '{"text":"one"}\n{"text":"', 'word ', '"}\n', 'table.line-too-long', 2],
    ['JSONL from its first byte', 'a.jsonl', '{"text":"', 'x', '"}\n', 'table.line-too-long', 1],
    ['JSON', 'a.json', '[\n{"text":"one"},\n{"text":"', 'word ', '"}]', 'table.line-too-long', 3],
    ['nothing but one letter', 'a.csv', '', 'a', '', 'table.line-too-long', 1],
    ['nothing but brackets', 'a.json', '', '[', '', 'table.line-too-long', 1],
  ])(
    '%s: one Problem, and hardly more than the limit is read',
    async (_, name, head, filler, tail, code, line) => {
      const source = endlessSource(name, { head, filler, tail }, gigabyte)
      const { problem } = await drain(source)
      expect(problem).toMatchObject({ code, where: `${name}, line ${line}` })
      expect(problem!.remedy).not.toBe('')
      expect(source.bytesRead()).toBeLessThan(2 * tableLimits.recordCharacters)
    },
  )
})

describe('100 MB', { timeout: 240_000 }, () => {
  const size = 100_000_000
  test('a quotation mark that opens near the end is found with its line; memory stays bounded', async () => {
    const parts = {
      head: 'text,label\n',
      filler: 'some words and more,x\n',
      tail: '\n"never closed,x\nlast,y\n',
    }
    const { problem, records, grownBytes } = await drain(endlessSource('a.csv', parts, size))
    expect(problem?.code).toBe('table.quote-not-closed')
    expect(records).toBeGreaterThan(4_500_000)
    expect(problem?.where).toBe(`a.csv, line ${records + 2}`)
    expect(grownBytes).toBeLessThan(200_000_000)
  })

  test('JSONL of many rows is read in bounded memory', async () => {
    const parts = { head: '', filler: '{"text":"some words and more","label":"x"}\n', tail: '' }
    const { problem, records, grownBytes } = await drain(endlessSource('a.jsonl', parts, 43 * 1_000_000))
    expect(problem).toBeNull()
    expect(records).toBe(1_000_000)
    expect(grownBytes).toBeLessThan(200_000_000)
  })
})

const allowedCodes = [
  'table.empty',
  'table.encoding',
  'table.quote-not-closed',
  'table.line-too-long',
  'table.invalid-json',
  'table.unknown-format',
  'limit.exceeded',
]

/** What must hold of every reading, whatever the bytes were. */
function checkReading(result: Awaited<ReturnType<typeof readWholeTable>>, bytes: Uint8Array): string | null {
  if (!result.ok) {
    const { code, message, where, remedy } = result.problem
    const isComplete = message !== '' && where.startsWith('seed') && remedy !== ''
    return allowedCodes.includes(code) && isComplete && where.isWellFormed() && message.isWellFormed()
      ? null
      : `bad problem ${JSON.stringify(result.problem)}`
  }
  const { records, leftOut, columns } = result.value
  let lastIndex = 0
  for (const record of records) {
    if (record.index <= lastIndex) return 'index does not rise'
    lastIndex = record.index
    if (record.line < 1 || record.line > bytes.length + 1) return `line ${record.line}`
    for (const [column, value] of record.values)
      if (!columns.includes(column) || !value.isWellFormed() || value.includes('\0'))
        return `value of ${column}`
  }
  for (const { reason, excerpt } of leftOut)
    if (reason === '' || excerpt.length > 130 || !excerpt.isWellFormed())
      return `left out: ${reason} ${excerpt}`
  return null
}

describe('mutants', { timeout: 240_000 }, () => {
  const marks = [...'"",;\t|\n\r{}[]:\\']
    .map((mark) => mark.charCodeAt(0))
    .concat([0, 0xff, 0xfe, 0xef, 0xc3, 0x1b])
  const seeds: [string, Uint8Array][] = [
    ['seed.csv', Buffer.from('text,label\n"one, ""two""\nthree",x\nfour,y\nçà et là,x\n')],
    ['seed.csv', Buffer.from('text;label\r\n"a";x\r\n"b;c";y\r\nd;x\r\n', 'utf16le')],
    ['seed.tsv', Buffer.from('\uFEFFtext\tlabel\rone\tx\rtwo\ty\r')],
    [
      'seed.jsonl',
      Buffer.from('{"text":"caf\\u00e9","label":"x"}\n{"text":"日本","n":[1,{"a":2}]}\n{"text":null}\n'),
    ],
    [
      'seed.json',
      Buffer.from('{"v":[1,2],"data":[{"text":"a","label":"x"},\n{"text":"b\\"]","label":{"n":1}}]}'),
    ],
    ['seed.json', Buffer.from('[{"text":"a"},\n{"text":"b"}]')],
  ]
  const draw = (chance: Chance): [string, Uint8Array] => {
    const [name, bytes] = chance.pick(seeds)
    return [chance.below(5) === 0 ? 'seed.txt' : name, mutate(bytes, chance, marks)]
  }

  test('6,000 mutants: each ends in rows or in one typed Problem', async () => {
    const chance = seeded(5)
    const wrong: string[] = []
    const ends = new Map<string, number>()
    for (let round = 0; round < 6000; round += 1) {
      const [name, bytes] = draw(chance)
      const result = await readWholeTable(sourceOf(name, bytes))
      const fault = checkReading(result, bytes)
      if (fault !== null) wrong.push(`${fault}: ${Buffer.from(bytes).toString('latin1')}`)
      const end = result.ok ? 'rows' : result.problem.code
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }
    expect(wrong).toEqual([])
    expect(ends.get('rows')).toBeGreaterThan(2000)
    expect([...ends.keys()].toSorted()).toEqual(
      expect.arrayContaining(['table.invalid-json', 'table.quote-not-closed', 'table.unknown-format']),
    )
  })

  test('reading again gives the same events', async () => {
    const chance = seeded(6)
    for (let round = 0; round < 200; round += 1) {
      const [name, bytes] = draw(chance)
      const table = await openTable(sourceOf(name, bytes))
      if (!table.ok) continue
      const read = async (): Promise<Result<readonly TableEvent[]>[]> => {
        const batches = []
        for await (const batch of table.value.batches()) batches.push(batch)
        return batches
      }
      expect(await read()).toEqual(await read())
    }
  })
})

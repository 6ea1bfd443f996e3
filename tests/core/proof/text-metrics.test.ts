import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type BleuTokenizer,
  bleuOf,
  bleuStatistics,
  bleuTokenizers,
  bleuTokens,
} from '#core/proof/metrics/bleu.ts'
import { chrfOf, chrfStatistics, plainChrfOf } from '#core/proof/metrics/chrf.ts'
import { porterStem } from '#core/proof/metrics/porter-stemmer.ts'
import { type RougeTokenizer, rougeL, rougeLsum, rougeN } from '#core/proof/metrics/rouge.ts'
import { type TerTokenizer, terOf, terStatistics } from '#core/proof/metrics/ter.ts'

type Pair = [answer: string, expected: string]
type Triple = [precision: number, recall: number, f: number]
interface Rows<Row> {
  rows: Row[]
  all: number
}
interface Golden {
  set: {
    bleu: Record<BleuTokenizer, Rows<number> & { counts: number[] }>
    lowercase: number
    'chrf++': Rows<number>
    chrf: Rows<number>
    ter: Record<TerTokenizer, Rows<[number, number]>>
    rouge: Record<'plain' | 'stemmed', Triple[][]>
    lines: [string, string, Triple, Triple][]
  }
  fuzz: {
    pairs: Pair[]
    bleu: Record<BleuTokenizer, number[]>
    'chrf++': number[]
    ter: Record<TerTokenizer, [number, number][]>
    rouge: Record<'plain' | 'stemmed', number[][]>
  }
  stems: Pair[]
}
const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../golden/${name}`, import.meta.url), 'utf8'))
const golden = read('text-metrics.json') as Golden
const { pairs } = read('proof-metrics.json') as { pairs: Pair[] }
const { set, fuzz } = golden

const addUp = (rows: readonly (readonly number[])[]): number[] =>
  rows.reduce<number[]>((sums, row) => row.map((value, index) => value + (sums[index] ?? 0)), [])

/** Every figure within 1e-9 of the reference's, the pair named where one is not. */
function expectRows(found: readonly number[], expected: readonly number[], texts: readonly Pair[]): void {
  const wrong = found.flatMap((value, row) =>
    Math.abs(value - expected[row]!) < 1e-9
      ? []
      : [{ row, value, expected: expected[row], pair: texts[row] }],
  )
  expect(wrong).toEqual([])
  expect(found).toHaveLength(expected.length)
}

describe('BLEU against sacrebleu', () => {
  test.each(bleuTokenizers)('%s: every pair alone, and all together', (tokenizer) => {
    const ofPairs = (texts: readonly Pair[]) =>
      texts.map(([answer, expected]) => bleuStatistics(answer, expected, tokenizer))
    const alone = (texts: readonly Pair[]) => ofPairs(texts).map((sums) => 100 * bleuOf(sums, true))
    expectRows(alone(pairs), set.bleu[tokenizer].rows, pairs)
    expectRows(alone(fuzz.pairs), fuzz.bleu[tokenizer], fuzz.pairs)
    const sums = addUp(ofPairs(pairs))
    expect(sums.slice(2)).toEqual(set.bleu[tokenizer].counts)
    expect(100 * bleuOf(sums)).toBeCloseTo(set.bleu[tokenizer].all, 9)
  })

  test('in lower case', () => {
    const rows = pairs.map(([a, b]) => bleuStatistics(a.toLowerCase(), b.toLowerCase(), '13a'))
    expect(100 * bleuOf(addUp(rows))).toBeCloseTo(set.lowercase, 9)
  })

  test('Chinese is split into characters, Western words beside it are not', () => {
    expect(bleuTokens('机器翻译 test 混合123。', 'zh')).toEqual([
      ...['机', '器', '翻', '译', 'test', '混', '合', '123', '。'],
    ])
  })
})

test.each([
  ['chrf++', chrfOf],
  ['chrf', plainChrfOf],
] as const)('%s against sacrebleu: every pair alone, and all together', (name, finish) => {
  const sums = (texts: readonly Pair[]) => texts.map(([answer, expected]) => chrfStatistics(answer, expected))
  const alone = (texts: readonly Pair[]) => sums(texts).map((row) => 100 * finish(row))
  expectRows(alone(pairs), set[name].rows, pairs)
  if (name === 'chrf++') expectRows(alone(fuzz.pairs), fuzz[name], fuzz.pairs)
  expect(100 * finish(addUp(sums(pairs)))).toBeCloseTo(set[name].all, 9)
})

test.each(['plain', 'asian'] as const)('TER against sacrebleu, %s: edits and words', (tokenizer) => {
  const sums = (texts: readonly Pair[]) =>
    texts.map(([answer, expected]) => terStatistics(answer, expected, tokenizer))
  expect(sums(pairs)).toEqual(set.ter[tokenizer].rows)
  expect(sums(fuzz.pairs)).toEqual(fuzz.ter[tokenizer])
  expect(100 * terOf(addUp(sums(pairs)))).toBeCloseTo(set.ter[tokenizer].all, 9)
})

describe('ROUGE against rouge_score', () => {
  const kinds = [
    (a: string, b: string, tokenizer: RougeTokenizer) => rougeN(a, b, 1, tokenizer),
    (a: string, b: string, tokenizer: RougeTokenizer) => rougeN(a, b, 2, tokenizer),
    rougeL,
    rougeLsum,
  ]
  test.each(['plain', 'stemmed'] as const)('%s', (tokenizer) => {
    for (const [kind, score] of kinds.entries()) {
      const rows = pairs.map(([answer, expected]) => score(answer, expected, tokenizer))
      for (const [at, key] of (['precision', 'recall', 'f'] as const).entries())
        expectRows(
          rows.map((row) => row[key]),
          set.rouge[tokenizer].map((row) => row[kind]![at]!),
          pairs,
        )
      expectRows(
        fuzz.pairs.map(([answer, expected]) => score(answer, expected, tokenizer).f),
        fuzz.rouge[tokenizer].map((row) => row[kind]!),
        fuzz.pairs,
      )
    }
  })

  test.each(set.lines)('several lines: %j against %j', (answer, expected, whole, byLine) => {
    for (const [score, figures] of [
      [rougeL(answer, expected, 'plain'), whole],
      [rougeLsum(answer, expected, 'plain'), byLine],
    ] as const) {
      expect(score.precision).toBeCloseTo(figures[0], 9)
      expect(score.recall).toBeCloseTo(figures[1], 9)
      expect(score.f).toBeCloseTo(figures[2], 9)
    }
  })

  test('the stems of 362 words are those of nltk', () => {
    expect(golden.stems.map(([word]) => [word, porterStem(word)])).toEqual(golden.stems)
  })

  test('a summary in Russian counts in words of its own script, and not at all in the reference', () => {
    const [answer, expected] = ['совет решил чинить крышу', 'Совет решил починить крышу.']
    expect(rougeN(answer, expected, 1, 'plain').f).toBe(0)
    expect(rougeN(answer, expected, 1, 'unicode').f).toBeCloseTo(0.75, 12)
  })
})

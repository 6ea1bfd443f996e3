import { describe, expect, test } from 'vitest'
import { tokenizersFor } from '#core/proof/metric-facts.ts'
import { calibrationErrorOf, calibrationStatistics, confidenceOf } from '#core/proof/metrics/calibration.ts'
import { copiedSpans, distinctSpans, memorisedSpans, spanWords } from '#core/proof/metrics/spans.ts'

describe('runs of words', () => {
  test('words of any script, characters where there are no blanks', () => {
    expect(spanWords("Don't PANIC, 12 naïve café!")).toEqual(['don', 't', 'panic', '12', 'naïve', 'café'])
    expect(spanWords('東京 Tower です')).toEqual(['東', '京', 'tower', 'で', 'す'])
    expect(spanWords('привет мир')).toEqual(['привет', 'мир'])
  })

  test('copied runs stand in the document word for word', () => {
    const document = 'The board met on Tuesday and agreed to repair the roof.'
    expect(copiedSpans('the board met on tuesday', document, 4)).toEqual([2, 2])
    expect(copiedSpans('The board will repair the roof', document, 4)).toEqual([0, 3])
    expect(copiedSpans('roof', document, 4)).toEqual([0, 0])
  })

  test('memorised runs are those of the answers that a training text holds', () => {
    const found = memorisedSpans(['a b c d e', 'x y'], ['z b c d z', 'c d e'], 3)
    expect([...found].sort()).toEqual(['b c d', 'c d e'])
    expect(memorisedSpans(['a b'], ['a b'], 3).size).toBe(0)
  })

  test('distinct-2 of all answers together is the ratio of the sums', () => {
    const answers = ['a b c a b', 'a b d', 'e']
    const sums = distinctSpans(answers, 2)
    const total = (at: 0 | 1) => sums.reduce((sum, row) => sum + row[at], 0)
    // a b, b c, c a, b d: four different of six.
    expect(total(0)).toBeCloseTo(4, 12)
    expect(total(1)).toBe(6)
    expect(sums[2]).toEqual([0, 0])
  })
})

describe('calibration', () => {
  const errorOf = (rows: readonly (readonly [confidence: number, isRight: boolean])[]) => {
    const sums = new Array<number>(30).fill(0)
    for (const [confidence, isRight] of rows)
      for (const [at, value] of calibrationStatistics(confidence, isRight).entries()) sums[at]! += value
    return calibrationErrorOf(sums)
  }

  test('as sure as right has no error; sure and wrong has all of it', () => {
    expect(errorOf(Array.from({ length: 4 }, (_, row) => [0.75, row > 0] as const))).toBeCloseTo(0, 12)
    expect(errorOf([[1, false]])).toBe(1)
    expect(errorOf([[1, true]])).toBe(0)
  })

  test('gaps are weighted by the answers of their bins', () => {
    // 3 answers at 0.9, 2 right (gap 0.7); 1 at 0.55, wrong (gap 0.55).
    expect(
      errorOf([
        [0.9, true],
        [0.9, true],
        [0.9, false],
        [0.55, false],
      ]),
    ).toBeCloseTo((0.7 + 0.55) / 4, 12)
  })

  test('confidence is the share of the likeliest label among all labels', () => {
    expect(confidenceOf([Math.log(0.6), Math.log(0.2)])).toBeCloseTo(0.75, 12)
    expect(confidenceOf([-2000, -2000])).toBeCloseTo(0.5, 12)
  })
})

describe('how words are found follows the script of the expected texts', () => {
  test.each([
    ['The bicycle is ready. Köln, naïve.', '13a', 'plain', 'plain'],
    ['他昨天在图书馆借了三本关于历史的书。', 'zh', 'unicode', 'asian'],
    ['東京は日本の首都です。', 'char', 'unicode', 'asian'],
    ['สวัสดีชาวโลก', 'char', 'unicode', 'asian'],
    ['Быстрая бурая лиса', '13a', 'unicode', 'plain'],
    ['', '13a', 'plain', 'plain'],
  ])('%s', (text, bleuTokenizer, rougeTokenizer, terTokenizer) => {
    expect(tokenizersFor([text])).toEqual({ bleuTokenizer, rougeTokenizer, terTokenizer })
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { accuracyOf, confusionMatrix, macroF1Of, scoresPerLabel } from '#core/proof/metrics/label-metrics.ts'
import { meanLossNats, perplexityOf } from '#core/proof/metrics/loss-metrics.ts'
import { bestOf, exactMatch, normalizeAnswer, tokenF1 } from '#core/proof/metrics/text-metrics.ts'

interface Golden {
  pairs: [string, string][]
  squad: [string, string, number, number][]
  multi: { pred: string; golds: string[]; em: number; f1_v1: number }[]
  classification: Record<
    string,
    {
      true: (string | number)[]
      pred: (string | number)[]
      labels: (string | number)[]
      accuracy: number
      confusion: number[][]
      macro: number[]
      per_class: number[][]
    }
  >
}
const golden = JSON.parse(
  readFileSync(new URL('../../golden/proof-metrics.json', import.meta.url), 'utf8'),
) as Golden

describe('answers against the official SQuAD normalisation', () => {
  test.each(golden.pairs.map((pair, index) => [index, ...pair] as const))(
    'pair %i: %j against %j',
    (index, answer, expected) => {
      const [answerNormal, expectedNormal, em, f1] = golden.squad[index]!
      expect(normalizeAnswer(answer)).toBe(answerNormal)
      expect(normalizeAnswer(expected)).toBe(expectedNormal)
      expect(exactMatch(answer, expected)).toBe(em)
      expect(tokenF1(answer, expected)).toBeCloseTo(f1, 12)
    },
  )

  test('the best of several right answers counts', () => {
    for (const row of golden.multi) {
      expect(bestOf(exactMatch, row.pred, row.golds)).toBe(row.em)
      expect(bestOf(tokenF1, row.pred, row.golds)).toBeCloseTo(row.f1_v1, 12)
    }
  })
})

describe('labels against scikit-learn', () => {
  test.each(Object.entries(golden.classification))('%s', (_name, row) => {
    const indexOf = (label: string | number) => row.labels.indexOf(label)
    const matrix = confusionMatrix(row.true.map(indexOf), row.pred.map(indexOf), row.labels.length)
    expect(matrix).toEqual(row.confusion)
    expect(accuracyOf(matrix)).toBeCloseTo(row.accuracy, 12)
    expect(macroF1Of(matrix)).toBeCloseTo(row.macro[2]!, 12)
    const perLabel = scoresPerLabel(matrix)
    for (const [index, label] of perLabel.entries()) {
      expect(label.precision).toBeCloseTo(row.per_class[0]![index]!, 12)
      expect(label.recall).toBeCloseTo(row.per_class[1]![index]!, 12)
      expect(label.f1).toBeCloseTo(row.per_class[2]![index]!, 12)
      expect(label.support).toBe(row.per_class[3]![index])
    }
  })

  test('a label that nobody expected or predicted does not pull macro F1 down', () => {
    expect(macroF1Of(confusionMatrix([0, 1], [0, 1], 5))).toBe(1)
  })
})

test('loss counts tokens, not rows', () => {
  const rows = [
    { sumNats: 1, tokens: 1 },
    { sumNats: 1, tokens: 9 },
  ]
  expect(meanLossNats(rows)).toBeCloseTo(0.2, 12)
  expect(perplexityOf(Math.log(7))).toBeCloseTo(7, 12)
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { confusionMatrix, macroF1Of, scoresPerLabel } from '#core/proof/metrics/label-metrics.ts'
import { exactMatch, normalizeAnswer, tokenF1 } from '#core/proof/metrics/text-metrics.ts'
import { buildReport } from '#core/proof/report.ts'
import { measuredOf } from './measured.ts'
import { ratioMetric } from './paired-metrics.ts'

type Label = string | number
interface GoldenLabels {
  true: Label[]
  pred: Label[]
  labels: Label[]
  accuracy: number
  confusion: number[][]
  macro: number[]
  per_class: number[][]
}
interface Golden {
  pairs: [string, string][]
  squad: [string, string, number, number][]
  multi: { pred: string; golds: string[]; em: number; f1_v1: number }[]
  classification: Record<string, GoldenLabels>
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
      const best = (score: typeof tokenF1) => Math.max(...row.golds.map((one) => score(row.pred, one)))
      expect(best(exactMatch)).toBe(row.em)
      expect(best(tokenF1)).toBeCloseTo(row.f1_v1, 12)
    }
  })
})

/** The report of a model that finds these labels the likeliest. */
function reportOf({ true: expected, pred, labels }: GoldenLabels) {
  const rows = expected.map((label, index) => {
    const labelLogProbs = labels.map((one) => (one === pred[index] ? -1 : -2))
    const side = { text: String(pred[index]), labelLogProbs, labelTokens: labels.map(() => 1) }
    return { expected: String(label), base: side, tuned: side }
  })
  return buildReport(measuredOf(rows), { scenario: 'classification', labels: labels.map(String), seed: 1 }, 0)
}

describe('labels against scikit-learn', () => {
  test.each(Object.entries(golden.classification))('%s', async (_name, row) => {
    const indexOf = (label: string | number) => row.labels.indexOf(label)
    const matrix = confusionMatrix(row.true.map(indexOf), row.pred.map(indexOf), row.labels.length)
    expect(matrix).toEqual(row.confusion)
    expect(macroF1Of(matrix)).toBeCloseTo(row.macro[2]!, 12)
    const { tuned, comparisons, labels } = await reportOf(row)
    expect(tuned).toMatchObject({ metric: 'accuracy', value: expect.closeTo(row.accuracy, 12) })
    expect(comparisons[1]).toMatchObject({
      metric: 'macroF1',
      tuned: { value: expect.closeTo(row.macro[2]!, 12) },
    })
    expect(labels!.tuned).toEqual(row.confusion)
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
  const nats = [1, 1]
  const tokens = [1, 9]
  const everyRow = Int32Array.of(0, 1)
  expect(ratioMetric(nats, nats, tokens).measure(everyRow).base).toBeCloseTo(0.2, 12)
  const sevens = tokens.map((count) => count * Math.log(7))
  expect(ratioMetric(nats, sevens, tokens, Math.exp).measure(everyRow).tuned).toBeCloseTo(7, 12)
})

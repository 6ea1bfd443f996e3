import { beforeAll, describe, expect, test } from 'vitest'
import type { MeasuredAnswers } from '#core/proof/index.ts'
import { argmax } from '#core/proof/measure-answers.ts'
import { buildReport } from '#core/proof/report.ts'
import { type ProofReport, proofReport } from '#shared/proof-protocol.ts'
import { measuredOf } from './measured.ts'

const labels = ['billing', 'bug', 'praise']

/** 30 rows: the base calls everything a bug, the tuned model errs on every tenth row. */
function classified(): MeasuredAnswers {
  const rows = Array.from({ length: 30 }, (_, index) => {
    const expected = index % 3
    const likes = (label: number) => labels.map((_, other) => (other === label ? -0.5 : -4))
    const tunedChoice = index % 10 === 9 ? (expected + 1) % 3 : expected
    const sideOf = (choice: number) => ({
      text: labels[choice]!,
      lossNats: -likes(choice)[expected]!,
      answerTokens: 2,
      labelLogProbs: likes(choice),
      labelTokens: [2, 2, 4],
    })
    return { expected: labels[expected]!, base: sideOf(1), tuned: sideOf(tunedChoice) }
  })
  return { ...measuredOf(rows), leftOut: [{ rowId: 'x', reason: 'it has 900 tokens' }] }
}
const classify = () => buildReport(classified(), { scenario: 'classification', labels, seed: 42 }, 3)

describe('a classification report', () => {
  let report: ProofReport
  beforeAll(async () => {
    report = await classify()
  })

  test('fits the schema and survives JSON', () => {
    expect(proofReport.parse(JSON.parse(JSON.stringify(report)))).toEqual(report)
  })

  test('accuracy of both, the difference, and a verdict from it', () => {
    expect(report.metric).toBe('accuracy')
    expect(report.baseline.value).toBeCloseTo(1 / 3, 12)
    expect(report.tuned.value).toBeCloseTo(0.9, 12)
    expect(report.difference.value).toBeCloseTo(0.9 - 1 / 3, 12)
    expect(report.difference.low).toBeGreaterThan(0.2)
    expect(report.verdict.kind).toBe('better')
  })

  test('macro F1 counts the labels that the base never says as 0', () => {
    const macro = report.comparisons.find((one) => one.metric === 'macroF1')!
    // Only "bug" is ever said: 10 right of 30 said, 10 expected.
    expect(macro.base.value).toBeCloseTo((2 * 10) / (30 + 10) / 3, 12)
  })

  test('loss and perplexity belong together', () => {
    const [loss, perplexity] = ['lossNats', 'perplexity'].map(
      (name) => report.comparisons.find((one) => one.metric === name)!,
    )
    expect(loss!.base.value).toBeCloseTo((10 * 0.5 + 20 * 4) / 60, 12)
    expect(perplexity!.base.value).toBeCloseTo(Math.exp(loss!.base.value), 12)
    expect(loss!.isHigherBetter).toBe(false)
  })

  test('the table has a line for each label and a confusion matrix for each model', () => {
    expect(report.labels!.base).toEqual([
      [0, 10, 0],
      [0, 10, 0],
      [0, 10, 0],
    ])
    expect(report.labels!.rows.map((row) => [row.label, row.support])).toEqual([
      ['billing', 10],
      ['bug', 10],
      ['praise', 10],
    ])
    expect(report.labels!.tuned.flat().reduce((a, b) => a + b)).toBe(30)
  })

  test('each row keeps both answers, likelihoods as sums and per token', () => {
    const row = report.answers[9]!
    expect(row.base.text).toBe('bug')
    expect(row.tuned.text).toBe('bug')
    expect(row.expected).toBe('billing')
    expect(row.tuned.scores).toEqual({ accuracy: 0 })
    expect(row.tuned.labelLogProbsPerToken).toEqual([-2, -0.25, -1])
  })

  test('is the same to the bit for the same input', async () => {
    expect(JSON.stringify(await classify())).toBe(JSON.stringify(report))
  })
})

test('a report of written answers scores them after normalisation and marks cut ones', async () => {
  const rows = Array.from({ length: 25 }, () => ({
    expected: 'The red boat.',
    base: { text: 'a boat', lossNats: 8, answerTokens: 4, isCut: true },
    tuned: { text: 'red boat!', lossNats: 2, answerTokens: 4 },
  }))
  const spec = { scenario: 'question-answering', labels: null, seed: 1 } as const
  const report = await buildReport(measuredOf(rows), spec, 3)
  expect(report.baseline.value).toBeCloseTo(2 / 3, 12)
  expect(report.tuned.value).toBe(1)
  expect(report.labels).toBeNull()
  expect(report.answers[0]!.base).toMatchObject({ text: 'a boat', isCut: true, scores: { exactMatch: 0 } })
  expect(report.answers[0]!.tuned).toMatchObject({ isCut: false, scores: { exactMatch: 1 } })
  expect(report.verdict.kind).toBe('better')
})

test('argmax takes the first of equals', () => {
  expect(argmax([-3, -1, -1, -2])).toBe(1)
})

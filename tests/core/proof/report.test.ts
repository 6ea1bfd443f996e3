import { describe, expect, test } from 'vitest'
import { argmax, buildReport, type Measured } from '#core/proof/report.ts'
import { proofReport } from '#shared/proof-protocol.ts'

const labels = ['billing', 'bug', 'praise']
const seconds = { seconds: 3, scoringSeconds: 2, answeringSeconds: 0 }

/** 30 rows: the base calls everything a bug, the tuned model errs on every tenth row. */
function classified(): Measured {
  const rows = Array.from({ length: 30 }, (_, index) => {
    const expected = index % 3
    const likes = (label: number) => labels.map((_, other) => (other === label ? -0.5 : -4))
    const tunedChoice = index % 10 === 9 ? (expected + 1) % 3 : expected
    const sideOf = (choice: number) => ({
      lossNats: -likes(choice)[expected]!,
      labelLogProbs: likes(choice),
    })
    return {
      example: {
        rowId: `row-${index}`,
        prompt: [{ role: 'user' as const, content: `text ${index}` }],
        answer: labels[expected]!,
      },
      score: {
        rowId: `row-${index}`,
        answerTokens: 2,
        labelTokens: [2, 2, 4],
        base: sideOf(1),
        tuned: sideOf(tunedChoice),
      },
    }
  })
  return {
    metrics: ['accuracy', 'macroF1', 'lossNats', 'perplexity'],
    rows,
    labels,
    answers: [],
    leftOut: [{ rowId: 'x', reason: 'it has 900 tokens' }],
    seed: 42,
    backend: 'test',
    seconds,
  }
}

describe('a classification report', () => {
  const report = buildReport(classified())

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

  test('is the same to the bit for the same input', () => {
    expect(JSON.stringify(buildReport(classified()))).toBe(JSON.stringify(report))
  })
})

test('a report of written answers scores them after normalisation and marks cut ones', () => {
  const row = (id: number) => ({
    example: { rowId: `${id}`, prompt: [{ role: 'user' as const, content: 'q' }], answer: 'The red boat.' },
    score: {
      rowId: `${id}`,
      answerTokens: 4,
      labelTokens: null,
      base: { lossNats: 8, labelLogProbs: null },
      tuned: { lossNats: 2, labelLogProbs: null },
    },
  })
  const answer = (id: number, side: 'base' | 'tuned', text: string) => ({
    rowId: `${id}`,
    side,
    text,
    tokenIds: [1],
    ended: side === 'base' ? ('token-limit' as const) : ('end-of-turn' as const),
  })
  const ids = Array.from({ length: 25 }, (_, id) => id)
  const report = buildReport({
    metrics: ['tokenF1', 'exactMatch', 'lossNats', 'perplexity'],
    rows: ids.map(row),
    labels: null,
    answers: ids.flatMap((id) => [answer(id, 'base', 'a boat'), answer(id, 'tuned', 'red boat!')]),
    leftOut: [],
    seed: 1,
    backend: 'test',
    seconds,
  })
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

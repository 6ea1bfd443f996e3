import { describe, expect, test } from 'vitest'
import { evaluateAnswers, type MeasuredAnswers, type MetricResult } from '#core/proof/index.ts'
import { buildReport } from '#core/proof/report.ts'
import { proofReport } from '#shared/proof-protocol.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { measuredOf, type TestRow } from './measured.ts'

const many = (count: number, row: (index: number) => TestRow): MeasuredAnswers =>
  measuredOf(Array.from({ length: count }, (_, index) => row(index)))

const evaluate = (scenario: ScenarioId, measured: MeasuredAnswers, trainingTexts: string[] = []) =>
  evaluateAnswers(measured, { scenario, labels: null, trainingTexts, seed: 1, resamples: 300 })

const reportOf = async (scenario: ScenarioId, measured: MeasuredAnswers, trainingTexts: string[] = []) => {
  const report = await buildReport(measured, { scenario, labels: null, trainingTexts, seed: 1 }, 1)
  expect(proofReport.parse(JSON.parse(JSON.stringify(report)))).toEqual(report)
  return report
}
const find = (results: readonly MetricResult[], metric: string) =>
  results.find((one) => one.metric === metric)!

describe('ways of answering', () => {
  const measured = many(24, (row) => ({
    expected: 'the red boat',
    base: { text: row % 2 === 0 ? 'the red boat' : 'a car' },
    tuned: { text: 'the red boat' },
  }))

  test('a third way is compared with the first on the same rows', async () => {
    const [base, tuned] = measured.subjects
    const third = { ...base!, way: 'with examples', answers: base!.answers.toReversed() }
    const { results } = await evaluate('question-answering', {
      ...measured,
      subjects: [base!, tuned!, third],
    })
    const { values, differences } = find(results, 'exactMatch')
    expect(values.map(({ value }) => value)).toEqual([0.5, 1, 0.5])
    expect(differences.map(({ interval }) => interval.value)).toEqual([0, 0.5, 0])
    expect(differences[1]!.interval.low).toBeGreaterThan(0)
    expect(differences[2]!.interval.low).toBeLessThan(0)
  })

  test('a way keeps its interval whatever it is compared with', async () => {
    const two = await evaluate('question-answering', measured)
    const alone = await evaluate('question-answering', {
      ...measured,
      subjects: measured.subjects.slice(0, 1),
    })
    for (const metric of ['exactMatch', 'tokenF1', 'perplexity'])
      expect(find(alone.results, metric).values[0]).toEqual(find(two.results, metric).values[0])
    expect(find(alone.results, 'exactMatch').values).toHaveLength(1)
  })
})

test('the turns of a conversation are drawn together, so forty turns of two conversations prove nothing', async () => {
  const turns = (group: (row: number) => string) =>
    many(40, (row) => ({
      group: group(row),
      expected: 'yes',
      base: { text: 'no', lossNats: row < 20 ? 1 : 4 },
      tuned: { text: 'no', lossNats: row < 20 ? 0.5 : 4 },
    }))
  const apart = find(
    (
      await evaluate(
        'chatbot',
        turns((row) => `${row}`),
      )
    ).results,
    'lossNats',
  )
  const together = find(
    (
      await evaluate(
        'chatbot',
        turns((row) => (row < 20 ? 'a' : 'b')),
      )
    ).results,
    'lossNats',
  )
  expect([apart.rows, together.rows]).toEqual([40, 2])
  expect(together.values).toMatchObject([
    { value: apart.values[0]!.value },
    { value: apart.values[1]!.value },
  ])
  expect(apart.differences[1]!.interval.high).toBeLessThan(0)
  expect(together.differences[1]!.interval.high).toBe(0)
})

describe('reports of the scenarios', () => {
  test('translation: chrF++ decides, BLEU and TER beside it, thirds by the length of the source', async () => {
    const texts = ['Das Fahrrad ist fertig.', 'Der Garten ist heute bis acht Uhr abends geöffnet.']
    const report = await reportOf(
      'translation',
      many(30, (row) => ({
        fields: { source: 'word '.repeat(row + 1) },
        expected: texts[row % 2]!,
        base: { text: 'Der Fahrrad fertig' },
        tuned: { text: texts[row % 2]! },
      })),
    )
    expect(report.metric).toBe('chrF')
    expect(report.tuned.value).toBeCloseTo(1, 12)
    expect(report.verdict.sentence).toContain('(chrF++) rose from')
    const named = Object.fromEntries(report.comparisons.map((one) => [one.metric, one]))
    expect(named.bleu!.tuned.value).toBeCloseTo(1, 12)
    expect(named.ter!.tuned.value).toBe(0)
    expect(named.ter!.isHigherBetter).toBe(false)
    expect(report.methods.bleu).toContain('tok:13a')
    expect(
      report.lengths.map(({ name, fromWords, toWords, rows }) => [name, fromWords, toWords, rows]),
    ).toEqual([
      ['short', 1, 10, 10],
      ['middle', 11, 20, 10],
      ['long', 21, 30, 10],
    ])
    expect(report.answers[0]!.tuned.scores.chrF).toBeCloseTo(1, 12)
  })

  test('summarisation: length and copies are reported and judged by no direction', async () => {
    const report = await reportOf(
      'summarisation',
      many(12, () => ({
        fields: { document: 'The board met on Tuesday and will repair the roof.' },
        expected: 'The board repairs the roof.',
        base: { text: 'The board met on Tuesday and' },
        tuned: { text: 'The board repairs the roof.' },
      })),
    )
    expect(report.metric).toBe('rougeLsum')
    const named = Object.fromEntries(report.comparisons.map((one) => [one.metric, one]))
    expect(named.copiedNgrams).toMatchObject({
      base: { value: 1 },
      tuned: { value: 0 },
      isHigherBetter: null,
    })
    expect(named.lengthRatio).toMatchObject({ tuned: { value: 1 }, isHigherBetter: null })
  })

  test('creative writing: perplexity of unseen texts, variety, what repeats the training texts', async () => {
    const known = 'the first boat takes the grey light out beyond the wall'
    const report = await reportOf(
      'creative-writing',
      many(20, (row) => ({
        expected: 'Ropes creak, gulls argue.',
        base: { text: `words ${row} that nobody wrote before this very day`, lossNats: 40, answerTokens: 10 },
        tuned: { text: known, lossNats: 10 + (row % 3), answerTokens: 10 },
      })),
      [`${known} again`],
    )
    const named = Object.fromEntries(report.comparisons.map((one) => [one.metric, one]))
    expect(report.metric).toBe('perplexity')
    expect(report.verdict.kind).toBe('better')
    expect(named.memorisedSpans).toMatchObject({ base: { value: 0 }, tuned: { value: 1 } })
    expect(named.distinct2!.tuned.value).toBeCloseTo(1 / 20, 12)
    expect(named.distinct2!.base.value).toBeGreaterThan(0.2)
  })

  test('code: pass@1 over the rows with tests; exact match decides where there are none', async () => {
    const outcome = (passed: boolean) =>
      ({ passed, end: passed ? 'passed' : 'test-failed', reason: passed ? null : 'no' }) as const
    const program = (row: number, hasTests: boolean): TestRow => ({
      expected: 'def f(n):\n    return n',
      base: { text: 'def f(n):\n    return n + 1', run: hasTests ? outcome(false) : null },
      tuned: {
        text: '```python\ndef f(n):  \n    return n\n```\nThat is it.',
        run: hasTests ? outcome(row % 10 !== 0) : null,
      },
    })
    const tested = await reportOf(
      'code',
      many(40, (row) => program(row, row % 2 === 0)),
    )
    expect(tested.metric).toBe('passAt1')
    expect(tested.comparisons[0]).toMatchObject({ rows: 20, tuned: { value: 0.8 }, base: { value: 0 } })
    expect(tested.verdict.sentence).toContain('on 20 test rows')
    expect(tested.answers[0]!.base.run).toEqual({ passed: false, reason: 'no' })
    const untested = await reportOf(
      'code',
      many(20, (row) => program(row, false)),
    )
    expect(untested.metric).toBe('exactMatch')
    expect(untested.tuned.value).toBe(1)
    expect(untested.baseline.value).toBe(0)
  })

  test('entities: F1 decides, form is reported, every kind has a line', async () => {
    const report = await reportOf(
      'entity-recognition',
      many(20, (row) => ({
        // The same kind in two spellings was two lines, each with the figures of both.
        expected: row % 4 === 0 ? 'none' : `${row % 2 === 0 ? 'Person' : 'PERSON'}: Anna\nPLACE: Lisbon`,
        base: { text: 'Anna lives in Lisbon.' },
        tuned: { text: row % 4 === 0 ? 'none' : 'PERSON: Anna' },
      })),
    )
    expect(report.metric).toBe('entityF1')
    expect(report.tuned.value).toBeCloseTo(30 / (15 + 30), 12)
    const form = report.comparisons.find(({ metric }) => metric === 'formKept')!
    expect([form.base.value, form.tuned.value]).toEqual([0, 1])
    expect(report.kinds).toHaveLength(2)
    expect(report.kinds).toMatchObject([
      { kind: 'PERSON', support: 15, tuned: { precision: 1, recall: 1, predicted: 15 } },
      { kind: 'PLACE', support: 15, tuned: { recall: 0, predicted: 0 } },
    ])
  })

  test('domain texts: bits by the bytes of the text, not by its tokens', async () => {
    const report = await reportOf(
      'domain',
      many(15, () => ({
        expected: 'grün', // five bytes
        base: { lossNats: 10 * Math.LN2, answerTokens: 2 },
        tuned: { lossNats: 5 * Math.LN2, answerTokens: 2 },
      })),
    )
    expect(report.metric).toBe('bitsPerByte')
    expect(report.baseline.value).toBeCloseTo(2, 12)
    expect(report.tuned.value).toBeCloseTo(1, 12)
    expect(report.answers[0]!.tuned).toMatchObject({
      text: null,
      scores: { bitsPerByte: expect.closeTo(1, 12) },
    })
  })

  test('classification: how sure each model is and how often it is right', async () => {
    const labels = ['a', 'b']
    const side = (text: string) => ({
      text,
      labelLogProbs: text === 'a' ? [Math.log(0.9), Math.log(0.1)] : [Math.log(0.1), Math.log(0.9)],
      labelTokens: [1, 1],
    })
    const measured = many(20, (row) => ({
      expected: 'a',
      base: side(row % 2 === 0 ? 'a' : 'b'),
      tuned: side(row % 10 === 0 ? 'b' : 'a'),
    }))
    const report = await buildReport(measured, { scenario: 'classification', labels, seed: 1 }, 1)
    const error = report.comparisons.find(({ metric }) => metric === 'calibrationError')!
    expect(error.base.value).toBeCloseTo(0.4, 9)
    expect(error.tuned.value).toBeCloseTo(0, 9)
    const bin = report.confidence!.tuned.find(({ answers }) => answers > 0)!
    expect(bin).toMatchObject({ answers: 20, right: 0.9, confidence: expect.closeTo(0.9, 9) })
  })
})

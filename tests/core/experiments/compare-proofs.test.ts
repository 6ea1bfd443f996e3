// Better, worse or not measurably different: only on the same locked rows, and with an interval that holds what it says.
import { describe, expect, it } from 'vitest'
import { compareProofs, type MeasuredRun } from '#core/experiments/compare-proofs.ts'
import { counterRandom } from '#engine/index.ts'
import type { EvaluationAnswer } from '#shared/journal-types.ts'
import type { ProofSummary } from '#shared/proof-protocol.ts'

type Scores = Record<string, number>
const answer = (rowId: string, scores: Scores): EvaluationAnswer => ({
  rowId,
  expected: '',
  answer: '',
  scores,
})
const value = (middle: number, reach = 0.05) => ({ value: middle, low: middle - reach, high: middle + reach })

function measured(
  metric: ProofSummary['metric'],
  answers: readonly EvaluationAnswer[],
  part: { tuned?: ReturnType<typeof value>; leftOut?: string[]; data?: string } = {},
): MeasuredRun {
  const leftOut = (part.leftOut ?? []).map((rowId) => ({ rowId, reason: 'too long' }))
  const tuned = { metric, ...(part.tuned ?? value(0.5)) }
  const summary = { rows: answers.length, leftOut, metric, tuned } as unknown as ProofSummary
  return { datasetFingerprint: part.data ?? 'd', summary, answers }
}
const right = (count: number, of = 40) =>
  measured(
    'accuracy',
    Array.from({ length: of }, (_, at) => answer(`row-${at}`, { accuracy: at < count ? 1 : 0 })),
  )

describe('scores of rows', () => {
  it('give a paired difference with its interval', () => {
    expect(compareProofs(right(20), right(34))).toMatchObject({ kind: 'better', rows: 40 })
    expect(compareProofs(right(34), right(20))).toMatchObject({ kind: 'worse' })
    expect(compareProofs(right(20), right(21))).toMatchObject({ kind: 'no-measurable-difference' })
    const { difference } = compareProofs(right(20), right(34))!
    expect(difference!.value).toBeCloseTo(14 / 40)
    expect([difference!.low, difference!.high].every((end) => end > 0.15 && end < 0.55)).toBe(true)
  })

  it('without a single change still leave room for one: no interval of width zero', () => {
    const { difference } = compareProofs(right(20), right(20))!
    expect(difference!.value).toBe(0)
    expect(difference!.high - difference!.low).toBeGreaterThan(0.08)
  })

  it('hold the true difference in about 95 of 100 test sets, small ones too', () => {
    const random = counterRandom(11, 'coverage')
    let at = 0
    let held = 0
    const sets = 400
    for (let set = 0; set < sets; set++) {
      // Row by row the later run turns 30 % of the wrong ones right and 10 % of the right ones wrong: 0.5 to 0.6.
      const rows = Array.from({ length: 30 }, (_, row) => {
        const before = random(at++) < 0.5 ? 1 : 0
        const turn = random(at++)
        return { rowId: `row-${row}`, before, now: before === 1 ? (turn < 0.1 ? 0 : 1) : turn < 0.3 ? 1 : 0 }
      })
      const of = (side: 'before' | 'now') =>
        measured(
          'accuracy',
          rows.map((row) => answer(row.rowId, { accuracy: row[side] })),
        )
      const { low, high } = compareProofs(of('before'), of('now'))!.difference!
      if (low <= 0.1 && 0.1 <= high) held++
    }
    expect(held / sets).toBeGreaterThan(0.93)
    // Not by being as wide as the scale.
    expect(held / sets).toBeLessThan(1)
  })
})

describe('losses', () => {
  const losses = (all: readonly number[], tokens = 2) =>
    measured(
      'perplexity',
      all.map((lossNats, at) => answer(`row-${at}`, { lossNats, answerTokens: tokens })),
    )
  const flat = Array.from({ length: 30 }, (_, at) => 2 + (at % 5) / 10)

  it('are set beside each other a token, and lower is better', () => {
    const found = compareProofs(losses(flat), losses(flat.map((loss, at) => loss - 0.4 - (at % 3) / 10)))
    expect(found).toMatchObject({ kind: 'better', metric: 'lossNats' })
    expect(found?.difference?.value).toBeCloseTo(-0.25)
  })

  it('over other tokens do not compare', () => {
    expect(compareProofs(losses(flat), losses(flat, 3))).toBeNull()
  })

  it('of the turns of one conversation are one row: many turns are no many rows', () => {
    const turns = (shift: number) =>
      measured(
        'lossNats',
        Array.from({ length: 40 }, (_, at) =>
          answer(
            at % 10 === 0 ? `row-${Math.floor(at / 10)}` : `row-${Math.floor(at / 10)}#${(at % 10) + 1}`,
            {
              // Two conversations get better, two worse.
              lossNats: 2 + shift * (at < 20 ? -1 : 1.2),
              answerTokens: 1,
            },
          ),
        ),
      )
    expect(compareProofs(turns(0), turns(0.5))).toMatchObject({ kind: 'no-measurable-difference', rows: 4 })
  })
})

describe('what does not compare', () => {
  it('is another metric, other rows, rows that one left out', () => {
    const base = right(20)
    expect(compareProofs(base, measured('exactMatch', base.answers))).toBeNull()
    expect(compareProofs(base, measured('accuracy', base.answers, { data: 'other' }))).toBeNull()
    expect(compareProofs(base, measured('accuracy', base.answers, { leftOut: ['row-99'] }))).toBeNull()
  })

  it('row by row is called different where its intervals do not meet', () => {
    const of = (middle: number) => measured('chrF', [], { tuned: value(middle) })
    expect(compareProofs(of(0.3), of(0.5))).toMatchObject({ kind: 'better', difference: null })
    expect(compareProofs(of(0.5), of(0.3))).toMatchObject({ kind: 'worse' })
    expect(compareProofs(of(0.45), of(0.5))).toMatchObject({ kind: 'no-measurable-difference' })
  })
})

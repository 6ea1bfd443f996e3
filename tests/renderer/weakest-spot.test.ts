import { expect, it } from 'vitest'
import { weakestSpot } from '#renderer/features/proof/weakest-spot.ts'
import type { ProofSummary } from '#shared/proof-protocol.ts'

const side = { precision: 0, recall: 0, f1: 0, predicted: 0 }
const table = (tuned: number[][]): ProofSummary['labels'] => ({
  labels: ['bug', 'bill', 'praise'],
  rows: ['bug', 'bill', 'praise'].map((label, at) => ({
    label,
    support: [9, 4, 6][at]!,
    base: side,
    tuned: side,
  })),
  base: [],
  tuned,
})

it('is the most frequent mistake, of equally frequent ones that of the rarer label', () => {
  expect(
    weakestSpot(
      table([
        [5, 2, 2],
        [2, 2, 0],
        [0, 1, 5],
      ]),
    ),
  ).toEqual({ expected: 'bill', answered: 'bug', mistakes: 2, allMistakes: 7, support: 4 })
})

it('is nothing where all is right or answers are no labels', () => {
  expect(
    weakestSpot(
      table([
        [9, 0, 0],
        [0, 4, 0],
        [0, 0, 6],
      ]),
    ),
  ).toBeNull()
  expect(weakestSpot(null)).toBeNull()
})

import { describe, expect, test } from 'vitest'
import {
  type BranchedRow,
  batchBranches,
  type EncodedAnswer,
  layOutBranches,
  sharedPrefix,
} from '#core/proof/label-layout.ts'

/** Prompt and trailing tokens are unlabelled, the answer between them is labelled. */
const encoded = (prompt: number[], answer: number[], after: number[] = []): EncodedAnswer => ({
  ids: [...prompt, ...answer, ...after],
  labels: [...prompt.map(() => -100), ...answer, ...after.map(() => -100)],
})

/** As the engine attends to documents behind a shared start. */
const sees = ({ segments }: BranchedRow, query: number, key: number): boolean =>
  key <= query && (segments[key] === 0 || segments[key] === segments[query])

describe('laying out labels behind one prompt', () => {
  const row = layOutBranches([
    encoded([1, 2, 3], [10, 11, 9], [5]),
    encoded([1, 2, 3], [20, 9], [5]),
    encoded([1, 2, 3], [10, 12, 13, 9], [5]),
  ])

  test('the prompt stands once, last and trailing tokens of a label take no place', () => {
    expect([...row.ids]).toEqual([1, 2, 3, 10, 11, 20, 10, 12, 13])
  })

  test('every label counts its positions on from the prompt', () => {
    expect([...row.positions]).toEqual([0, 1, 2, 3, 4, 3, 3, 4, 5])
  })

  test("the first token of each label is predicted from the prompt's last place", () => {
    expect(row.targets).toEqual([
      { place: 2, target: 10 },
      { place: 3, target: 11 },
      { place: 4, target: 9 },
      { place: 2, target: 20 },
      { place: 5, target: 9 },
      { place: 2, target: 10 },
      { place: 6, target: 12 },
      { place: 7, target: 13 },
      { place: 8, target: 9 },
    ])
    expect(row.answerTokens).toEqual([3, 2, 4])
  })

  test('the prompt is the start, and segments never fall along the row', () => {
    expect(row.start).toBe(3)
    expect([...row.segments]).toEqual([0, 0, 0, 1, 1, 2, 3, 3, 3])
  })

  test('a label sees the prompt and itself, and nothing of another label or of the future', () => {
    const seen = [...row.ids.keys()].map((query) =>
      [...row.ids.keys()].filter((key) => sees(row, query, key)),
    )
    expect(seen).toEqual([
      [0],
      [0, 1],
      [0, 1, 2],
      [0, 1, 2, 3],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 5],
      [0, 1, 2, 6],
      [0, 1, 2, 6, 7],
      [0, 1, 2, 6, 7, 8],
    ])
  })

  test('a label whose first token swallowed the end of the prompt keeps its own way there', () => {
    // Alone: [1,2,3 | 10,9] and [1,2,34 | 11,9] with 34 merged from 3 and the answer's blank, not scored itself.
    const merged = layOutBranches([encoded([1, 2, 3], [10, 9]), encoded([1, 2, 34], [11, 9])])
    expect([...merged.ids]).toEqual([1, 2, 3, 10, 34, 11])
    expect(merged.targets).toEqual([
      { place: 2, target: 10 },
      { place: 3, target: 9 },
      { place: 4, target: 11 },
      { place: 5, target: 9 },
    ])
    expect(sees(merged, 4, 2)).toBe(false)
  })

  test('two labels of which one begins the other stay apart', () => {
    const nested = layOutBranches([encoded([1, 2], [7, 9]), encoded([1, 2], [7, 8, 9])])
    expect([...nested.ids]).toEqual([1, 2, 7, 7, 8])
    expect(nested.answerTokens).toEqual([2, 3])
  })
})

test('what is shared ends before the first scored token and where one answer goes another way', () => {
  expect(sharedPrefix([encoded([1, 2], [7]), encoded([1, 2], [7])])).toBe(2)
  expect(sharedPrefix([encoded([1, 2, 3], [7]), encoded([1, 9, 3], [7])])).toBe(1)
  expect(sharedPrefix([encoded([], [7]), encoded([], [8])])).toBe(0)
})

test('rows of one batch begin with equally many shared tokens', () => {
  const starts = [3, 5, 3, 4, 5]
  const rows = starts.map((start) => ({ ids: { length: 9 }, targets: { length: 1 }, start }))
  expect(batchBranches(rows, { places: 200, targets: 6 })).toEqual([[1, 4], [3], [0, 2]])
})

test('batches hold rows of similar length within both limits, every row once', () => {
  const lengths = [5, 90, 8, 88, 7, 300, 6]
  const rows = lengths.map((length) => ({ ids: { length }, targets: { length: 1 } }))
  const batches = batchBranches(rows, { places: 200, targets: 3 })
  expect(batches).toEqual([[5], [1, 3], [2, 4, 6], [0]])
})

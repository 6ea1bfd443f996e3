import { describe, expect, test } from 'vitest'
import { batchBranches, type EncodedAnswer, layOutBranches, sees } from '#core/proof/label-layout.ts'

/** Prompt and trailing tokens are unlabelled, the answer between them is labelled. */
const encoded = (prompt: number[], answer: number[], after: number[] = []): EncodedAnswer => ({
  ids: [...prompt, ...answer, ...after],
  labels: [...prompt.map(() => -100), ...answer, ...after.map(() => -100)],
})

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
      { place: 2, target: 10, branch: 0 },
      { place: 3, target: 11, branch: 0 },
      { place: 4, target: 9, branch: 0 },
      { place: 2, target: 20, branch: 1 },
      { place: 5, target: 9, branch: 1 },
      { place: 2, target: 10, branch: 2 },
      { place: 6, target: 12, branch: 2 },
      { place: 7, target: 13, branch: 2 },
      { place: 8, target: 9, branch: 2 },
    ])
    expect(row.answerTokens).toEqual([3, 2, 4])
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
      { place: 2, target: 10, branch: 0 },
      { place: 3, target: 9, branch: 0 },
      { place: 4, target: 11, branch: 1 },
      { place: 5, target: 9, branch: 1 },
    ])
    expect(sees(merged, 4, 2)).toBe(false)
  })

  test('one answer is the ordinary causal row', () => {
    const alone = layOutBranches([encoded([1, 2], [7, 8, 9])])
    expect([...alone.ids]).toEqual([1, 2, 7, 8])
    expect(alone.targets.map((t) => [t.place, t.target])).toEqual([
      [1, 7],
      [2, 8],
      [3, 9],
    ])
    expect(sees(alone, 3, 2)).toBe(true)
  })

  test('two labels of which one begins the other stay apart', () => {
    const nested = layOutBranches([encoded([1, 2], [7, 9]), encoded([1, 2], [7, 8, 9])])
    expect([...nested.ids]).toEqual([1, 2, 7, 7, 8])
    expect(nested.answerTokens).toEqual([2, 3])
  })
})

test('batches hold rows of similar length within both limits, every row once', () => {
  const lengths = [5, 90, 8, 88, 7, 300, 6]
  const rows = lengths.map((length) => layOutBranches([encoded(new Array<number>(length).fill(3), [4, 9])]))
  const batches = batchBranches(rows, { places: 200, targets: 6 })
  expect(batches).toEqual([[5], [1, 3], [2, 4, 6], [0]])
})

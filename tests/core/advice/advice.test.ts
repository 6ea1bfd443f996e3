// Advice before training: the examples that are chosen, and what is said of which figures.
import { describe, expect, test } from 'vitest'
import { chooseExamples, spreadOver, withExamples } from '#core/advice/few-shot.ts'
import { fewestRows, type Measured, recommend } from '#core/advice/recommend.ts'
import type { PromptedExample } from '#shared/rows.ts'

const example = (n: number, answer: string, words = 5): PromptedExample => ({
  rowId: `r${n}`,
  prompt: [
    { role: 'system', content: 'Name the team.' },
    { role: 'user', content: `message ${n} ${'x '.repeat(words)}` },
  ],
  answer,
})

describe('examples before the question', () => {
  const examples = Array.from({ length: 40 }, (_, n) => example(n, ['a', 'b', 'c'][n % 3]!))

  test('every answer is seen before one comes twice, and the choice repeats', () => {
    const chosen = chooseExamples(examples, 4, 7)
    expect(new Set(chosen.slice(0, 3).map(({ answer }) => answer)).size).toBe(3)
    expect(chosen).toHaveLength(4)
    expect(new Set(chosen.map(({ rowId }) => rowId)).size).toBe(4)
    expect(chooseExamples(examples, 4, 7)).toEqual(chosen)
    expect(chooseExamples(examples, 4, 8)).not.toEqual(chosen)
  })

  test('long examples and those without a question are not taken', () => {
    const plain: PromptedExample = { rowId: 'p', prompt: [], answer: 'text' }
    expect(chooseExamples([example(1, 'a', 2000), plain], 4, 1)).toEqual([])
  })

  test('they stand as earlier turns, after the one instruction', () => {
    const [first, ...rest] = examples
    const prompt = withExamples(rest.slice(0, 2)).prompt(first!)
    expect(prompt.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'user',
      'assistant',
      'user',
    ])
    expect(prompt.at(-1)?.content).toBe(first!.prompt[1]!.content)
    expect(prompt[2]?.content).toBe(rest[0]!.answer)
  })
})

test('the measured rows lie all over the file: one that is sorted by labels shows every label', () => {
  const sorted = ['a', 'b', 'c'].flatMap((label) => Array.from({ length: 100 }, () => label))
  const chosen = spreadOver(sorted, 60)
  expect(chosen).toHaveLength(60)
  for (const label of ['a', 'b', 'c']) expect(chosen.filter((one) => one === label)).toHaveLength(20)
  expect(spreadOver([1, 2, 3], 60)).toEqual([1, 2, 3])
  expect(new Set(spreadOver([...Array(61).keys()], 60)).size).toBe(60)
})

describe('advice', () => {
  const around = (value: number, half: number) => ({ value, low: value - half, high: value + half })
  const measured = (changes: Partial<Measured>): Measured => ({
    metric: 'accuracy',
    rows: 60,
    hasInstruction: true,
    plain: around(0.3, 0.1),
    fewShot: around(0.5, 0.1),
    difference: around(0.2, 0.15),
    ...changes,
  })

  test.each([
    ['far from the goal', measured({}), 'train'],
    ['few rows', measured({ rows: fewestRows - 1, plain: around(0.97, 0.02) }), 'bring-more-rows'],
    ['the prompt does', measured({ plain: around(0.96, 0.03) }), 'prompt-may-do'],
    [
      'examples do',
      measured({ fewShot: around(0.95, 0.04), difference: around(0.6, 0.1) }),
      'examples-may-do',
    ],
    ['wide intervals', measured({ fewShot: around(0.85, 0.12), difference: around(0.5, 0.2) }), 'unclear'],
    ['a loss', measured({ metric: 'perplexity', plain: around(20, 2), fewShot: around(18, 2) }), 'train'],
  ] as const)('%s', (_name, figures, kind) => {
    expect(recommend(figures).kind).toBe(kind)
  })

  test('a difference that may be chance is called so', () => {
    const { reasons } = recommend(measured({ difference: around(0.05, 0.1) }))
    expect(reasons.join(' ')).toContain('may be chance')
    expect(recommend(measured({})).reasons.join(' ')).toContain('larger than chance')
  })

  test('plain texts are told nothing, and nothing is said of an instruction or of examples', () => {
    const figures = { metric: 'bitsPerByte', hasInstruction: false, fewShot: null } as const
    const { sentence, reasons } = recommend(measured(figures))
    expect(`${sentence} ${reasons.join(' ')}`).not.toMatch(/instruction|example/)
  })
})

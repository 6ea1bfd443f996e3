// What the screen of answers says of what it shows.
import { describe, expect, test } from 'vitest'
import { rowsShown, titleOfAnswers, whyNotAsked } from '#renderer/features/experiments/answers-words.ts'

describe('the heading of answers side by side', () => {
  const titleOf = (different: number, ...names: string[]) => titleOfAnswers({ different }, names, 20)

  // Bug: "Of these, only Run 361 was measured", above runs that were measured on other rows.
  test('never says of a run that it was not measured', () => {
    expect(titleOf(0, 'Run 361')).toBe('Only Run 361 was measured on these rows')
  })

  test('says on how many of the rows the runs differ', () => {
    expect(titleOf(3, 'A', 'B')).toBe('They answer 3 of 20 rows differently')
    expect(titleOf(0, 'A', 'B')).toBe('They answer every row alike')
    expect(titleOf(0)).toBe('Nothing to set side by side')
    expect(titleOfAnswers(null, [], 0)).toBe('Answers side by side')
  })
})

// Bug: "1 of 1 24 of 29 runs stand here." below "They answer 20 of 20 rows differently".
test('what is shown names the rows, and where words are looked for how many there are in all', () => {
  const shown = (answers: number, total: number, text: string) =>
    rowsShown({ answers: Array(answers).fill(null), total, asked: { text } }, 62)
  expect(shown(25, 62, '')).toBe('25 of 62 rows')
  expect(shown(25, 62, ' ')).toBe('25 of 62 rows')
  expect(shown(1, 1, 'money')).toBe('1 of 1 row with these words; 62 in all')
  expect(shown(25, 30, 'money')).toBe('25 of 30 rows with these words; 62 in all')
})

// Bug: answers stood there without their question, and nothing said why.
test('rows without their question say why; of plain text nothing was asked', () => {
  expect(whyNotAsked([{ prompt: null }, { prompt: null }])).toMatch(/^What was asked cannot be shown: /)
  expect(whyNotAsked([{ prompt: null }, { prompt: 'Where is my parcel?' }])).toBeNull()
  expect(whyNotAsked([{ prompt: '' }])).toBeNull()
  expect(whyNotAsked([])).toBeNull()
})

import { expect, test } from 'vitest'
import { shownSamples, unansweredCheck } from '#renderer/features/training/sample-steps.ts'

const at = (step: number, answers: Record<string, string>) => ({
  step,
  answers: Object.entries(answers).map(([rowId, answer]) => ({
    rowId,
    prompt: `asked ${rowId}`,
    expected: 'billing',
    answer,
    isCut: false,
    isRight: answer === 'billing',
  })),
})
const samples = [
  at(0, { a: 'Well, it is', b: 'bug' }),
  at(30, { a: 'billing' }),
  at(60, { a: 'billing', b: 'billing', c: 'bug' }),
]
const said = (pinned: number | null) => {
  const shown = shownSamples(samples, pinned)!
  const { step, earlier, later, answers } = shown
  return {
    step,
    earlier,
    later,
    answers: answers.map(({ answer, before }) => [answer, before?.answer ?? null]),
  }
}

test('the newest answers, each beside what was said before training', () => {
  expect(said(null)).toEqual({
    step: 60,
    earlier: 30,
    later: null,
    answers: [
      ['billing', 'Well, it is'],
      ['billing', 'bug'],
      ['bug', null],
    ],
  })
})

test('earlier ones, and the first of all, which nothing comes before', () => {
  expect(said(30)).toMatchObject({ step: 30, earlier: 0, later: 60, answers: [['billing', 'Well, it is']] })
  expect(said(0)).toMatchObject({
    step: 0,
    earlier: null,
    later: 30,
    answers: [
      ['Well, it is', null],
      ['bug', null],
    ],
  })
})

test('a step that is there no more gives way to the newest; nothing yet is nothing', () => {
  expect(said(45).step).toBe(60)
  expect(shownSamples([], null)).toBeNull()
})

test('a last check without answers is told, one with answers or a run without any is not', () => {
  expect(unansweredCheck(samples, [{ step: 0 }, { step: 63 }])).toBe(63)
  expect(unansweredCheck(samples, [{ step: 0 }, { step: 60 }])).toBeNull()
  expect([unansweredCheck([], [{ step: 3 }]), unansweredCheck(samples, [])]).toEqual([null, null])
})

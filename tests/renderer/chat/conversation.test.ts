// A conversation of one or two sides: what each has read, how pieces grow an answer, and what a late one may not do.
import { describe, expect, test } from 'vitest'
import { answerParts } from '#renderer/features/chat/answer-parts.ts'
import {
  historyOf,
  isAnswering,
  newTurn,
  sidesOf,
  type Turn,
  withEnd,
  withPiece,
} from '#renderer/features/chat/conversation.ts'

const answered = (text: string, base: string, tuned: string | null): Turn => ({
  text,
  expected: null,
  answers: {
    base: { text: base, ended: 'end-of-turn', sentence: null },
    ...(tuned === null ? {} : { tuned: { text: tuned, ended: 'token-limit', sentence: null } }),
  },
})

describe('what a side has read', () => {
  test('are its own answers, and earlier messages only where it has one', () => {
    const turns = [answered('one', 'b1', 't1'), answered('two', 'b2', null), answered('three', '', 't3')]
    expect(historyOf(turns, 'base', 'now').map(({ content }) => content)).toEqual([
      ...['one', 'b1', 'two', 'b2', 'now'],
    ])
    expect(historyOf(turns, 'tuned', 'now').map(({ content }) => content)).toEqual([
      ...['one', 't1', 'three', 't3', 'now'],
    ])
  })

  test('is at most what the program takes, from the end', () => {
    const turns = Array.from({ length: 150 }, (_, at) => answered(`q${at}`, `a${at}`, null))
    const history = historyOf(turns, 'base', 'now')
    expect(history).toHaveLength(199)
    expect(history[0]).toEqual({ role: 'user', content: 'q51' })
  })

  test('is no answer that failed half way', () => {
    const failed = withEnd([newTurn('one', null, ['base'])], 'failed', 'No memory.')
    expect(historyOf(failed, 'base', 'now')).toEqual([{ role: 'user', content: 'now' }])
  })
})

test('pieces grow their own side, and nothing comes after its end', () => {
  let turns: readonly Turn[] = [newTurn('hello', null, ['base', 'tuned'])]
  const tell = (side: 'base' | 'tuned', text: string, ended: 'end-of-turn' | 'stopped' | null = null) => {
    turns = withPiece(turns, { side, text, ended, sentence: null })
  }
  tell('base', 'Good ')
  tell('tuned', 'Hi', 'end-of-turn')
  expect(isAnswering(turns)).toBe(true)
  tell('base', 'day', 'end-of-turn')
  tell('base', ' late')
  tell('tuned', '', 'stopped')
  expect(turns[0]?.answers).toEqual({
    base: { text: 'Good day', ended: 'end-of-turn', sentence: null },
    tuned: { text: 'Hi', ended: 'end-of-turn', sentence: null },
  })
  expect(isAnswering(turns)).toBe(false)
})

test('a stop ends only what is still being written', () => {
  const half = withPiece([newTurn('hello', null, ['base', 'tuned'])], {
    side: 'base',
    text: 'done',
    ended: 'end-of-turn',
    sentence: null,
  })
  const { answers } = withEnd(half, 'stopped', null)[0]!
  expect([answers.base?.ended, answers.tuned?.ended]).toEqual(['end-of-turn', 'stopped'])
})

test('a model alone, and a run without a trained version, are one side', () => {
  const run = {
    id: 'r',
    name: '',
    projectId: 'p',
    projectName: '',
    createdAtMs: 0,
    instruction: '',
    namesLabels: false,
  }
  expect(sidesOf({ run: null }, 'both')).toEqual(['base'])
  expect(sidesOf({ run: { ...run, hasAdapter: false } }, 'tuned')).toEqual(['base'])
  expect(sidesOf({ run: { ...run, hasAdapter: true } }, 'both')).toEqual(['base', 'tuned'])
  expect(sidesOf({ run: { ...run, hasAdapter: true } }, 'tuned')).toEqual(['tuned'])
})

test('code between fences is told from prose, also while it is written; nothing else of Markdown is read', () => {
  expect(answerParts('So:\n\n```python\nx = 1\n  y\n```\n[a](http://b) <b>c</b>')).toEqual([
    { kind: 'prose', text: 'So:' },
    { kind: 'code', text: 'x = 1\n  y' },
    { kind: 'prose', text: '[a](http://b) <b>c</b>' },
  ])
  expect(answerParts('```\nhalf')).toEqual([{ kind: 'code', text: 'half' }])
  expect(answerParts('')).toEqual([])
})

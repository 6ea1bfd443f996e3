// Questions to begin with: one message each, readable, with answers that differ where they can.
import { expect, test } from 'vitest'
import { suggestQuestions } from '#core/chat/suggest-questions.ts'
import type { ChatMessage, PromptedExample } from '#shared/rows.ts'

const system: ChatMessage = { role: 'system', content: 'Name the team.' }
const row = (text: string, answer: string, before: ChatMessage[] = [system]): PromptedExample => ({
  rowId: text,
  prompt: [...before, { role: 'user', content: text }],
  answer,
})

test('different answers come before more of the same', () => {
  const rows = [row('a', 'shop'), row('b', 'shop'), row('c', 'office'), row('d', 'shop')]
  expect(suggestQuestions(rows)).toEqual([
    { text: 'a', answer: 'shop' },
    { text: 'c', answer: 'office' },
    { text: 'b', answer: 'shop' },
  ])
})

test('later turns, plain texts, very long ones and repeats are no questions', () => {
  const earlier: ChatMessage[] = [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: 'good day' },
  ]
  const plain: PromptedExample = { rowId: 'p', prompt: [], answer: 'a text' }
  const rows = [row('x', 'y', earlier), plain, row('long '.repeat(1000), 'y'), row('q', 'y'), row('q', 'z')]
  expect(suggestQuestions(rows)).toEqual([{ text: 'q', answer: 'y' }])
})

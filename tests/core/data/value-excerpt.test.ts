import { expect, it } from 'vitest'
import { valueExcerpt } from '#core/data/value-excerpt.ts'

it.each([
  ['a plain text', 'a plain text'],
  [
    JSON.stringify([
      { role: 'user', content: 'Does the bus wait?' },
      { role: 'assistant', content: 'Two minutes.' },
    ]),
    'Does the bus wait? / Two minutes.',
  ],
  ['[{"role":"user","content":', '[{"role":"user","content":'],
  ['[{"start":0,"end":4}]', '[{"start":0,"end":4}]'],
])('reads %j as a person would', (value, words) => {
  expect(valueExcerpt(value)).toBe(words)
})

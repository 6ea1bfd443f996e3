import { expect, it, test } from 'vitest'
import { asRead, excerptsApart, valueExcerpt } from '#core/data/value-excerpt.ts'

it.each([
  ['a plain text', 'a plain text'],
  [
    JSON.stringify([
      { role: 'user', content: 'Does the bus wait?' },
      { role: 'assistant', content: 'Two minutes.' },
    ]),
    'Person: Does the bus wait? Assistant: Two minutes.',
  ],
  ['[{"role":"user","content":', '[{"role":"user","content":'],
  ['[{"start":0,"end":4}]', '[{"start":0,"end":4}]'],
])('reads %j as a person would', (value, words) => {
  expect(valueExcerpt(value)).toBe(words)
})

test('marks are the words of the text with their kind; without the text they stay as they were typed', () => {
  const marks = '[{"start": 6, "end": 12, "label": "PLACE"}, {"start": 0, "end": 4, "label": "PERSON"}]'
  expect(asRead(marks, 'Anna, Lisbon')).toBe('Anna (PERSON), Lisbon (PLACE)')
  expect(asRead(marks)).toBe(marks)
  expect(asRead(marks, 'Anna')).toBe(marks)
})

test('a last question without an answer is said too', () => {
  expect(asRead('[{"from": "human", "value": "When?"}]')).toBe('Person: When?')
})

test('of two long texts that begin alike the pieces that differ are shown', () => {
  const long =
    'The bell is cast in the pit and cools for three days under the sand before anybody may touch it, '.repeat(
      2,
    )
  const [one, other] = excerptsApart(`${long}says Anna.`, `${long}says Bert.`)
  expect(one).toMatch(/^….*says Anna\.$/)
  expect(other).toMatch(/^….*says Bert\.$/)
  expect(excerptsApart('short one', 'short two')).toEqual(['short one', 'short two'])
})

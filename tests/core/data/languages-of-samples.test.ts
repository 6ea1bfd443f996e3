// No sample is said to be written in a language that it is not.
import { expect, test } from 'vitest'
import { prepareData } from '#core/data/check-data.ts'
import { reportOn } from '#core/data/data-report.ts'
import { guessLanguage } from '#core/data/guess-language.ts'
import { scoreTexts } from '#core/data/score-texts.ts'
import { sampleOf } from '#core/projects/samples.ts'
import { allScenarios } from '#core/scenarios/scenarios.ts'

test.each(allScenarios.map(({ id }) => id).filter((id) => id !== 'code'))('%s', async (id) => {
  const scenario = allScenarios.find((one) => one.id === id)!
  const { read, repeats, split } = await prepareData(sampleOf(id).path, { scenario: id })
  const [line] = scoreTexts(read.rows, reportOn(read, scenario, repeats, split), scenario).languages
  const named = [...line!.detail.matchAll(/(\p{L}+) \d+ %/gu)].map(([, language]) => language)
  expect(named.filter((one) => one !== 'English')).toEqual(id === 'translation' ? ['German'] : [])
})

test('the German of the railway chats is heard', async () => {
  const { read } = await prepareData(sampleOf('chatbot').path, { scenario: 'chatbot' })
  const guesses = new Set(read.rows.map(({ fields }) => guessLanguage(fields.messages ?? '')))
  expect([...guesses].filter((one) => one !== 'English' && one !== null)).toEqual(['German'])
})

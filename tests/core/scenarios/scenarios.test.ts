// The scenario table: every id has a complete entry, and rows become the prompts the scenario promises.
import { describe, expect, test } from 'vitest'
import { allScenarios, scenarioOf } from '#core/scenarios/scenarios.ts'
import { metricNames } from '#shared/metrics.ts'
import { scenarioIds } from '#shared/recipe.ts'
import type { DatasetRow } from '#shared/rows.ts'

const row = (fields: Record<string, string>): DatasetRow => ({ rowId: 'r1', line: 2, fields })

describe('the table', () => {
  test.each(scenarioIds)('%s is complete and consistent', (id) => {
    const scenario = scenarioOf(id)
    const names = scenario.roles.map(({ name }) => name)
    expect(scenario.id).toBe(id)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain(scenario.answerRole)
    for (const role of scenario.inputRoles) expect(names).toContain(role)
    expect(scenario.inputRoles).not.toContain(scenario.answerRole)
    for (const metric of scenario.metrics) expect(metricNames).toContain(metric)
    for (const { columnGuesses, help, title } of scenario.roles) {
      expect(help).not.toBe('')
      expect(title).not.toBe('')
      expect(new Set(columnGuesses).size).toBe(columnGuesses.length)
      for (const guess of columnGuesses) expect(guess).toBe(guess.toLowerCase().normalize('NFC'))
    }
  })

  test('it lists every scenario once, in the order of the ids', () => {
    expect(allScenarios.map(({ id }) => id)).toEqual([...scenarioIds])
  })
})

describe('classification', () => {
  const scenario = scenarioOf('classification')

  test('the instruction lists the labels, sorted the same everywhere', () => {
    const labels = scenario.labelsOf([
      row({ text: 'a', label: 'repairs' }),
      row({ text: 'b', label: 'Billing' }),
      row({ text: 'c', label: 'repairs' }),
    ])
    expect(labels).toEqual(['Billing', 'repairs'])
    expect(scenario.defaultInstruction({ labels: labels! })).toContain('Billing, repairs.')
  })

  test('hundreds of labels are not listed', () => {
    const labels = Array.from({ length: 300 }, (_, i) => `label ${i}`)
    expect(scenario.defaultInstruction({ labels }).length).toBeLessThan(200)
  })

  test('a row becomes instruction, text and label', () => {
    expect(scenario.toExamples(row({ text: 'Hello', label: 'greeting' }), 'Choose.')).toEqual([
      {
        rowId: 'r1',
        prompt: [
          { role: 'system', content: 'Choose.' },
          { role: 'user', content: 'Hello' },
        ],
        answer: 'greeting',
      },
    ])
  })
})

describe('question answering', () => {
  const scenario = scenarioOf('question-answering')

  test('the passage stands above the question, where there is one', () => {
    const [withPassage] = scenario.toExamples(
      row({ question: 'Who?', answer: 'She.', context: 'She came.' }),
      'Answer.',
    )
    expect(withPassage?.prompt[1]).toEqual({ role: 'user', content: 'She came.\n\nWho?' })
    const [without] = scenario.toExamples(row({ question: 'Who?', answer: 'She.' }), 'Answer.')
    expect(without?.prompt[1]).toEqual({ role: 'user', content: 'Who?' })
  })

  test('an empty instruction leaves the system message out', () => {
    expect(scenario.toExamples(row({ question: 'Who?', answer: 'She.' }), ' ')[0]?.prompt).toEqual([
      { role: 'user', content: 'Who?' },
    ])
    expect(scenario.labelsOf([])).toBeNull()
  })
})

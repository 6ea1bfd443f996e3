// Which column serves which role: said, guessed by heading in several languages, guessed by content, or asked for.
import { describe, expect, test } from 'vitest'
import { matchColumns } from '#core/data/columns.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import type { ScenarioId } from '#shared/recipe.ts'

function match(
  scenario: ScenarioId,
  found: string[],
  rows: string[][] = [],
  given: Record<string, string> | null = null,
): ReturnType<typeof matchColumns> {
  const sample = rows.map((cells) => new Map(found.map((column, i) => [column, cells[i] ?? ''])))
  return matchColumns({
    fileName: 'a.csv',
    scenario: scenarioOf(scenario),
    found,
    hasHeading: true,
    given,
    sample,
  })
}
const columnsOf = (result: ReturnType<typeof matchColumns>): unknown => result.ok && result.value.columns

describe('by heading', () => {
  test.each<[ScenarioId, string[], Record<string, string>]>([
    ['classification', ['id', 'text', 'label'], { text: 'text', label: 'label' }],
    ['classification', ['Message Text', 'Team'], { text: 'Message Text', label: 'Team' }],
    ['classification', ['ticketBody', 'ticketCategory'], { text: 'ticketBody', label: 'ticketCategory' }],
    ['classification', ['Nachricht', 'Kategorie'], { text: 'Nachricht', label: 'Kategorie' }],
    ['classification', ['texte', 'étiquette'], { text: 'texte', label: 'étiquette' }],
    ['classification', ['内容', '类别'], { text: '内容', label: '类别' }],
    ['classification', ['текст', 'метка'], { text: 'текст', label: 'метка' }],
    ['question-answering', ['Frage', 'Antwort'], { question: 'Frage', answer: 'Antwort' }],
    ['question-answering', ['質問', '回答'], { question: '質問', answer: '回答' }],
    [
      'question-answering',
      ['context', 'question', 'answer_text'],
      { question: 'question', answer: 'answer_text', context: 'context' },
    ],
    [
      'question-answering',
      ['instruction', 'input', 'output'],
      { question: 'instruction', answer: 'output', context: 'input' },
    ],
  ])('%s from %j', (scenario, found, columns) => {
    const result = match(scenario, found)
    expect(columnsOf(result)).toEqual(columns)
    expect(result.ok && [...result.value.guessed].sort()).toEqual(Object.keys(columns).sort())
  })
})

describe('by content', () => {
  const mails = [
    'my parcel is late again',
    'how do I pay',
    'where is my money',
    'parcel lost',
    'pay by card?',
    'refund me',
  ]
  const teams = ['delivery', 'billing', 'billing', 'delivery', 'billing', 'billing']

  test('few values that repeat are the label, the long text is the text', () => {
    const rows = mails.map((mail, i) => [`2026-01-0${i + 1}`, mail, teams[i]!])
    expect(columnsOf(match('classification', ['c1', 'c2', 'c3'], rows))).toEqual({ text: 'c2', label: 'c3' })
  })

  test('two columns that could be the label are not guessed', () => {
    const rows = mails.map((mail, i) => [mail, teams[i]!, teams[(i + 1) % 6]!])
    const result = match('classification', ['c1', 'c2', 'c3'], rows)
    expect(result).toMatchObject({ ok: false, problem: { code: 'data.columns' } })
    expect(!result.ok && result.problem.message).toContain('"c1", "c2", "c3"')
  })

  test('of two columns the one that asks is the question', () => {
    const rows = [
      ['Paris.', 'What is the capital of France?'],
      ['In 1789.', 'When did it begin?'],
    ]
    expect(columnsOf(match('question-answering', ['c1', 'c2'], rows))).toEqual({
      question: 'c2',
      answer: 'c1',
    })
  })

  test('a column of nested lists is never guessed, whatever its name', () => {
    const rows = [['why?', '["because","so"]']]
    expect(match('question-answering', ['question', 'answers'], rows)).toMatchObject({
      ok: false,
      problem: { code: 'data.columns' },
    })
  })
})

describe('as said', () => {
  test('the choice wins over the heading; the rest is guessed', () => {
    const result = match('classification', ['text', 'summary', 'label'], [], { text: 'summary' })
    expect(columnsOf(result)).toEqual({ text: 'summary', label: 'label' })
    expect(result.ok && result.value.guessed).toEqual(['label'])
  })

  test('case and outer white space do not matter where the name stays clear', () => {
    expect(
      columnsOf(match('classification', ['Text ', 'LABEL'], [], { text: 'text', label: 'label' })),
    ).toEqual({
      text: 'Text ',
      label: 'LABEL',
    })
  })

  test.each([
    [{ text: 'mesage' }, 'There is no column "mesage".'],
    [{ txt: 'message' }, '"txt" is nothing that'],
    [{ text: 'message', label: 'message' }, 'The column "message" is used twice.'],
  ])('%j is refused with the columns of the file', (given, words) => {
    const result = match('classification', ['message', 'team'], [], given as Record<string, string>)
    expect(result).toMatchObject({ ok: false, problem: { code: 'data.columns', where: 'a.csv' } })
    expect(!result.ok && result.problem.message).toContain(words)
    expect(!result.ok && result.problem.message).toContain('"message", "team"')
  })
})

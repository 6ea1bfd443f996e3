// What each of the later scenarios makes of a record, and how its rows meet the model.
import { describe, expect, test } from 'vitest'
import { readConversation } from '#core/scenarios/conversation.ts'
import { languageCode, languageName } from '#core/scenarios/language-names.ts'
import { allScenarios, factsOf, scenarioOf } from '#core/scenarios/scenarios.ts'
import { languages } from '#shared/contract/system.ts'
import type { DatasetRow } from '#shared/rows.ts'

const row = (fields: Record<string, string>): DatasetRow => ({ rowId: 'r1', line: 2, fields })

describe('instructions', () => {
  test.each(allScenarios.filter(({ id }) => id !== 'domain'))('$id speaks six languages', (scenario) => {
    const facts = { labels: ['A', 'B'], sourceLanguages: ['en'], targetLanguages: ['de'] }
    const texts = languages.map((language) => scenario.defaultInstruction({ ...facts, language }))
    expect(new Set(texts).size).toBe(languages.length)
    for (const text of texts) expect(text).toMatch(/[.。]$/)
    expect(scenario.defaultInstruction(facts)).toBe(texts[0])
  })

  test('plain texts have none', () => {
    expect(scenarioOf('domain').defaultInstruction({ labels: [] })).toBe('')
  })
})

describe('translation', () => {
  const { defaultInstruction, toExamples } = scenarioOf('translation')
  const rowsOf = (...targets: string[]): DatasetRow[] =>
    targets.map((targetLanguage) => row({ source: 'a', target: 'b', sourceLanguage: 'en', targetLanguage }))
  const facts = (rows: DatasetRow[], columns = {}) => factsOf(scenarioOf('translation'), rows, columns)

  test('one pair of languages is named in the language of the person', () => {
    const known = facts(rowsOf('de-AT', 'de-AT'))
    expect(defaultInstruction(known)).toBe('Translate the text from English into German.')
    expect(defaultInstruction({ ...known, language: 'es' })).toBe('Traduce el texto del inglés al alemán.')
    expect(defaultInstruction({ ...known, language: 'ja' })).toContain('英語からドイツ語に')
  })

  test('several are named by each row', () => {
    const rows = rowsOf('de', 'es')
    for (const [language, names] of [
      ['en', ['German', 'Spanish']],
      ['fr', ['allemand', 'espagnol']],
      ['zh', ['德语', '西班牙语']],
    ] as const) {
      const instruction = defaultInstruction({ ...facts(rows), language })
      const told = rows.map((one) => toExamples(one, instruction)[0]?.prompt[0]?.content ?? '')
      for (const [i, name] of names.entries()) expect(told[i]).toContain(name)
      expect(told.join()).not.toContain('{')
    }
  })

  test('columns called by their languages say them; others say nothing', () => {
    const rows = [row({ source: 'a', target: 'b' })]
    expect(defaultInstruction(facts(rows, { source: 'Deutsch', target: 'en' }))).toBe(
      'Translate the text from German into English.',
    )
    expect(defaultInstruction(facts(rows, { source: 'source', target: 'target' }))).toBe(
      'Translate the text.',
    )
  })

  test('a language is known by code, name and own name, and an unknown one keeps its word', () => {
    for (const written of ['de', 'DE', 'deu', 'de_CH', 'German', 'Deutsch', 'alemán', '德语'])
      expect(languageCode(written)).toBe('de')
    expect(languageCode('target')).toBeNull()
    expect(languageName('Sursilvan', 'de')).toBe('Sursilvan')
  })
})

describe('chatbot', () => {
  const scenario = scenarioOf('chatbot')
  const read = (values: Record<string, string>): DatasetRow => {
    const reading = scenario.readRecord!(values)
    if ('reason' in reading) throw new Error(reading.reason)
    return row({ ...reading.rows[0] })
  }
  const messages = JSON.stringify([
    { role: 'user', content: 'One?' },
    { role: 'assistant', content: 'One.' },
    { role: 'user', content: 'Two?' },
    { role: 'assistant', content: 'Two.' },
  ])

  test('every turn of the assistant is an example, with all that was said before it', () => {
    const examples = scenario.toExamples(read({ messages }), 'Be short.')
    expect(examples.map(({ rowId, answer, prompt }) => [rowId, answer, prompt.length])).toEqual([
      ['r1', 'One.', 2],
      ['r1#2', 'Two.', 4],
    ])
    expect(examples[1]?.prompt.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user'])
  })

  test('a system message of the row stands in place of the instruction', () => {
    const own = read({ user: 'Hi', assistant: 'Ho', system: 'You are a pirate.', context: 'A ship.' })
    expect(scenario.toExamples(own, 'Be short.')).toEqual([
      {
        rowId: 'r1',
        prompt: [
          { role: 'system', content: 'You are a pirate.' },
          { role: 'user', content: 'Hi\n\nA ship.' },
        ],
        answer: 'Ho',
      },
    ])
    expect(scenario.toExamples(read({ user: 'Hi', assistant: 'Ho' }), '')[0]?.prompt).toEqual([
      { role: 'user', content: 'Hi' },
    ])
    expect(scenario.toExamples(read({ messages, system: 'Short.' }), 'x')[1]?.prompt[0]?.content).toBe(
      'Short.',
    )
  })

  test.each([
    ['[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]'],
    ['[{"role":"USER","content":[{"type":"text","text":"a"}]},{"role":"model","content":"b"}]'],
    ['{"messages":[{"speaker":"customer","text":"a"},{"speaker":"agent","text":"b"}]}'],
    ['["a","b"]'],
  ])('%s is a conversation', (cell) => {
    expect(readConversation(cell)).toEqual({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
      note: null,
    })
  })

  test('messages of one speaker are joined, and what is not answered goes with a note', () => {
    const cell = JSON.stringify([
      { role: 'assistant', content: 'Welcome' },
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'c' },
      { role: 'user', content: 'd' },
    ])
    const reading = readConversation(cell)
    expect('messages' in reading && reading.messages.map(({ content }) => content)).toEqual(['a\nb', 'c'])
    expect('note' in reading && reading.note).toContain('left out')
  })

  test.each([
    ['[{"role":"tool","content":"x"}]', 'spoken by "tool"'],
    ['[{"content":"x"}]', 'does not say who speaks'],
    ['[{"role":"user"}]', 'no words'],
    ['[{"role":"user","content":"x"}]', 'Nobody is answered'],
    ['hello', 'not a list of messages'],
  ])('%s cannot be used', (cell, words) => {
    const reading = readConversation(cell)
    expect('reason' in reading && reading.reason).toContain(words)
  })
})

describe('code', () => {
  const scenario = scenarioOf('code')
  const read = (values: Record<string, string>) => {
    const reading = scenario.readRecord!(values)
    return 'rows' in reading ? reading.rows[0] : reading
  }

  // A line break that Python wrote as \n became the letter n, so that a right program failed.
  test('tests in a list as Python writes it keep their line breaks', () => {
    const tests = String.raw`['x = f(1)\nassert x == "a\\n"', "assert f(2) != '\U0001f600'"]`
    const fields = read({ task: 'Do f.', code: 'def f(n): return n', tests })
    expect('tests' in fields! && fields.tests?.split('\n')).toEqual([
      'x = f(1)',
      String.raw`assert x == "a\n"`,
      "assert f(2) != '😀'",
    ])
  })

  test('tests become lines, and the first shows the call', () => {
    const fields = read({
      task: 'Double it.',
      code: 'def f(n):\n    return 2 * n',
      tests: '["assert f(1) == 2", "assert f(2) == 4"]',
    })
    expect(fields).toMatchObject({ tests: 'assert f(1) == 2\nassert f(2) == 4', language: 'python' })
    const [example] = scenario.toExamples(row(fields as Record<string, string>), 'Write code.')
    expect(example?.prompt[1]?.content).toBe('Double it.\n\nassert f(1) == 2')
    expect(example?.answer).toBe('def f(n):\n    return 2 * n')
  })

  test.each([
    ['Python3', 'x', 'python'],
    ['Node.js', 'x', 'javascript'],
    ['Rust', 'x', 'rust'],
    [undefined, 'const f = (n) => n', 'javascript'],
    [undefined, 'function f() {}', 'javascript'],
    [undefined, 'from math import pi\nprint(pi)', 'python'],
    [undefined, 'SELECT 1', undefined],
  ])('language %s of %j is %s', (language, code, expected) => {
    const fields = read({ task: 't', code, ...(language === undefined ? {} : { language }) })
    expect((fields as Record<string, string>).language).toBe(expected)
  })
})

describe('creative writing and domain texts', () => {
  test('without a prompt the instruction is what is asked', () => {
    const { toExamples } = scenarioOf('creative-writing')
    expect(toExamples(row({ text: 'A poem' }), 'Write.')[0]?.prompt).toEqual([
      { role: 'user', content: 'Write.' },
    ])
    expect(toExamples(row({ text: 'A poem', prompt: 'Sea' }), 'Write.')[0]?.prompt).toEqual([
      { role: 'system', content: 'Write.' },
      { role: 'user', content: 'Sea' },
    ])
  })

  test('a long document becomes rows of its passages, learnt as plain text', () => {
    const scenario = scenarioOf('domain')
    const paragraph = 'The slip is closed at low water. '.repeat(20).trim()
    const reading = scenario.readRecord!({ text: [paragraph, paragraph, paragraph].join('\n\n') })
    expect('rows' in reading && reading.rows.map(({ text }) => text?.length)).toEqual([2 * 659 + 2, 659])
    expect(scenario.toExamples(row({ text: 'Words.' }), 'ignored')).toEqual([
      { rowId: 'r1', prompt: [], answer: 'Words.' },
    ])
  })
})

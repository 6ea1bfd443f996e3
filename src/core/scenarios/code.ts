// Code: a task in words in, a program out.
import { readTextList } from './json-cells.ts'
import { columnNames, inLanguage, promptedExample, type Scenario } from './scenario.ts'

const instructions = {
  en: 'Write the code for the task. Give the code only, without an explanation.',
  de: 'Schreibe den Code für die Aufgabe. Gib nur den Code, ohne Erklärung.',
  es: 'Escribe el código para la tarea. Da solo el código, sin explicación.',
  fr: 'Écris le code pour la tâche. Donne seulement le code, sans explication.',
  zh: '为这个任务编写代码。只给出代码，不要解释。',
  ja: '課題のコードを書いてください。説明なしでコードだけを書いてください。',
} as const

const languages: Readonly<Record<string, string>> = {
  py: 'python',
  python: 'python',
  python3: 'python',
  js: 'javascript',
  javascript: 'javascript',
  node: 'javascript',
  nodejs: 'javascript',
}

/** Programs in other languages keep their name; they can be learnt and are not run. */
function languageOf(written: string): string | null {
  const name = written.trim().toLowerCase()
  return name === '' ? null : (languages[name.replace(/[\s.]+/g, '')] ?? name)
}

/** Null where nothing speaks for one of the two. */
function guessLanguage(program: string): 'python' | 'javascript' | null {
  if (/^\s*(def \w+\(|from \w[\w.]* import |import \w+\s*$|class \w+.*:\s*$)/m.test(program)) return 'python'
  if (
    /^\s*(function\b|const \w+ =|let \w+ =|module\.exports|export )/m.test(program) ||
    /=>\s*[{(\w]/.test(program)
  )
    return 'javascript'
  return null
}

/** A list of tests, one text each, or the text as it is; null where it is neither. */
function testLines(cell: string): string[] | null {
  if (!/^\s*\[/.test(cell)) return [cell]
  const list = readTextList(cell)
  return list === null ? null : list.filter((line) => line.trim() !== '')
}

export const code: Scenario = {
  id: 'code',
  title: 'Write small programs',
  description: 'The model writes Python or JavaScript for tasks like yours, checked by running your tests.',
  brings: 'task + code, with or without tests',
  sample: {
    input: 'Write a function double(n) that gives twice the number.',
    answer: 'def double(n):\n    return 2 * n',
  },
  roles: [
    {
      name: 'task',
      title: 'Task',
      isRequired: true,
      help: 'What the program shall do, in words.',
      kind: 'text',
      columnGuesses: columnNames(
        'task, prompt, instruction, problem, description, question, docstring, requirement, text, input, title, nl',
        'aufgabe, aufgabenstellung, beschreibung, tarea, enunciado, descripción, problema, tâche, tache, énoncé, enonce',
        'compito, descrizione, zadanie, opis, задача, описание, 任务, 题目, 描述, 問題, 課題, 説明, 과제, 문제, مهمة, görev',
      ),
    },
    {
      name: 'code',
      title: 'Code',
      isRequired: true,
      help: 'A program that does it.',
      kind: 'text',
      columnGuesses: columnNames(
        'code, solution, canonical solution, program, implementation, source code, function, snippet, output, answer, response, completion',
        'lösung, programm, quelltext, quellcode, código, codigo, solución, programa, código fuente, solution proposée, programme',
        'codice, soluzione, kod, rozwiązanie, код, решение, программа, 代码, 答案, コード, 解答, 코드, 풀이, الكود, çözüm',
      ),
    },
    {
      name: 'tests',
      title: 'Tests',
      isRequired: false,
      help: 'Lines that fail if the program is wrong, for example assert double(2) == 4.',
      kind: 'list',
      columnGuesses: columnNames(
        'tests, test, test list, test cases, asserts, assertions, test code, unit tests, checks',
        'prüfungen, testfälle, pruebas, casos de prueba, essais, cas de test, test di prova, testy, тесты, 测试, 测试用例, テスト, 테스트, testler',
      ),
    },
    {
      name: 'language',
      title: 'Programming language',
      isRequired: false,
      help: 'python or javascript; programs in other languages are not run.',
      kind: 'label',
      columnGuesses: columnNames(
        'language, lang, programming language, programmiersprache, sprache, lenguaje, langage, linguaggio, język, язык, 语言, 编程语言, 言語, 언어, dil',
      ),
    },
  ],
  inputRoles: ['task'],
  answerRole: 'code',
  identityRoles: ['task'],
  readRecord({ tests, language, ...rest }) {
    const lines = tests === undefined ? null : testLines(tests)
    if (tests !== undefined && lines === null) return { reason: 'The tests are not lines of code.' }
    const known = languageOf(language ?? '') ?? guessLanguage(rest.code ?? '')
    const row: Record<string, string> = { ...rest }
    if (lines !== null && lines.length > 0) row.tests = lines.join('\n')
    if (known !== null) row.language = known
    return { rows: [row] }
  },
  defaultInstruction: (facts) => inLanguage(instructions, facts),
  toExamples(row, instruction) {
    const { task = '', code: answer = '', tests = '' } = row.fields
    // Without it nobody could know what the function shall be called; the other tests stay hidden.
    const call = tests.split('\n').find((line) => /\bassert|\bexpect\(/.test(line))
    return [promptedExample(row, instruction, call === undefined ? task : `${task}\n\n${call}`, answer)]
  },
  labelsOf: () => null,
  metrics: ['passAt1', 'exactMatch', 'lossNats', 'perplexity'],
}

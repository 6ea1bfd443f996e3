// Wrong use and bad input: words that help, an exit code, one JSON document where a script asked for it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ask } from './own-process.ts'
import { openTerminal, type Terminal } from './terminal.ts'

vi.setConfig({ testTimeout: 300_000 })

let terminal: Terminal
beforeAll(async () => {
  terminal = await openTerminal()
})
afterAll(() => terminal.close())

test.each([
  [['trian'], 2, /unknown command/],
  [['train', 'none.yaml'], 1, /could not be opened/],
  [['train', 'messages.csv'], 1, /table of examples, not a recipe/],
  [['train', '/dev/zero'], 1, /could not be opened/],
  [['train', 'recipe.yaml', '--top-layers', '99'], 1, /uppermost 99 blocks .* this model has 2/],
  [['train', 'recipe.yaml', '--set', "name=''"], 1, /At name: expected a name that can be seen/],
  [
    ['studies', 'start', 'recipe.yaml', '--set', "name='   '"],
    1,
    /At name: expected a name that can be seen/,
  ],
  [
    ['studies', 'start', 'recipe.yaml', '--name', '\u200b'],
    1,
    /A name has 1 to 200 characters, and one at least/,
  ],
  [['train', 'recipe.yaml', '--set', 'rank'], 1, /--set method.rank=16/],
  [['runs', 'list', '--home', 'messages.csv'], 1, /cannot be used/],
  [['runs', 'list', '--limit', '0'], 2, /whole number/],
  [
    ['train', '--scenario', 'magic', '--model', 'm', '--data', 'd'],
    1,
    /at scenario: expected classification/i,
  ],
  [['runs', 'show', 'nope'], 1, /knows no run/],
  [['runs', 'resume', '../../etc'], 1, /knows no run/],
  [['journal', 'export', 'jsonl', '--to', ''], 1, /--to names no folder/],
  [['proof', 'nope'], 1, /knows no run/],
  [['models', 'show', 'nope'], 1, /what to do/],
  [['models', 'add', 'nope.gguf'], 1, /what to do/],
  [['data', 'check', 'nope.csv', '--scenario', 'classification'], 1, /what to do/],
  [
    ['data', 'check', 'messages.csv', '--scenario', 'classification', '--column', 'text=nothing'],
    1,
    /message/,
  ],
])('%j', async (parameters, code, words) => {
  const finished = await ask(terminal, ...parameters)
  expect(finished.error).toMatch(words)
  expect(finished.error).not.toMatch(/\bat .*\.ts:\d+/)
  expect(finished.code).toBe(code)
})

test.each([
  [['--json', 'trian'], "unknown command 'trian'", /^Did you mean train\? /],
  [['train', '--bogus', '--json'], "unknown option '--bogus'", /--help/],
  [['runs', 'list', '--limit', '0', '--json'], /argument '0' is invalid. Expected a whole number/, /--help/],
  [['--json', 'runs', 'show'], "missing required argument 'run'", /--help/],
  [['--json', 'train', '--data'], /argument missing/, /--help/],
  [
    ['--json', 'data', 'check', 'messages.csv'],
    /required option '--scenario <name>' not specified/,
    /--help/,
  ],
  [['--json', 'models'], 'The command is not complete.', /--help/],
])('wrong use is a problem in JSON too: %j', async (parameters, message, remedy) => {
  const finished = await ask(terminal, ...parameters)
  expect(finished.code).toBe(2)
  expect(JSON.parse(finished.out)).toEqual({
    problem: {
      code: 'usage.invalid',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      where: 'the command line',
      remedy: expect.stringMatching(remedy),
    },
  })
  expect(finished.error).not.toBe('')
})

test('wrong use as a process ends with exit code 2', async () => {
  const finished = await terminal.run('--json', 'trian')
  expect(finished).toMatchObject({ code: 2, error: expect.stringContaining('unknown command') })
  expect(JSON.parse(finished.out)).toMatchObject({ problem: { code: 'usage.invalid' } })
})

test("help is no problem, and the demo's --json names a file", async () => {
  const help = await terminal.run('--json', 'train', '--help')
  expect(help).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: tunewright train/) })
  const demo = await ask(terminal, 'demo', '--json')
  expect(demo).toMatchObject({ code: 2, out: '', error: expect.stringContaining('argument missing') })
})

test('a library folder that cannot be used is a problem in JSON too', async () => {
  const finished = await terminal.run('--json', 'runs', 'list', '--home', terminal.csv)
  expect(finished.code).toBe(1)
  expect(JSON.parse(finished.out)).toMatchObject({ problem: { code: 'disk.failed', where: terminal.csv } })
})

test('all faults of a recipe are named at once, in words and in JSON', async () => {
  const path = join(terminal.work, 'faulty.yaml')
  writeFileSync(path, 'scenario: magic\ndata: { path: messages.csv }\nmethod: { rank: 0 }\n')
  const faults = [
    { where: 'model', message: 'expected a text, but it is missing' },
    {
      where: 'scenario',
      message:
        'expected classification, question-answering, translation, summarisation, entity-recognition, chatbot, creative-writing, code or domain, got "magic"',
    },
    { where: 'method.rank', message: 'expected at least 1, got 0' },
  ]
  const finished = await ask(terminal, '--json', 'train', path)
  expect(finished.code).toBe(1)
  expect(JSON.parse(finished.out)).toMatchObject({ problem: { code: 'recipe.invalid', faults } })
  for (const { where, message } of faults) expect(finished.error).toContain(`\n  at ${where}: ${message}\n`)
})

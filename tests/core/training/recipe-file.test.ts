import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { draftOfSettings, readRecipeFile, type Setting } from '../../../src/core/training/recipe-file.ts'
import { describeProblem, unwrap } from '../../../src/shared/result.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunewright-recipe-'))
function recipe(text: string): string {
  const path = join(folder, `${Math.random()}.yaml`)
  writeFileSync(path, text)
  return path
}
const minimal = 'scenario: classification\nmodel: starter\ndata: { path: rows.csv }\n'

test('a short recipe takes every default; its data path is relative to the file', () => {
  const draft = readRecipeFile(recipe(minimal))
  if (!draft.ok) throw new Error(draft.problem.message)
  expect(draft.value.data.path).toBe(join(folder, 'rows.csv'))
  expect(draft.value.method).toMatchObject({ kind: 'lora', rank: 8, alpha: 16, topLayers: null })
  expect(draft.value.evaluation.patience).toBe(3)
  expect(draft.value.optimizer.learningRate).toBe(2e-4)
})

test('settings of the command line win over the file and keep their types', () => {
  const draft = readRecipeFile(recipe(minimal), [
    ['method.rank', '16'],
    ['evaluation.patience', 'null'],
    ['name', 'second try'],
  ])
  expect(draft).toMatchObject({
    ok: true,
    value: { method: { rank: 16 }, evaluation: { patience: null }, name: 'second try' },
  })
})

test('flags alone make the same draft as a file', () => {
  const fromFlags = draftOfSettings([
    ['scenario', 'classification'],
    ['model', 'starter'],
    ['data.path', join(folder, 'rows.csv')],
  ])
  expect(fromFlags).toEqual(readRecipeFile(recipe(minimal)))
})

test.each([
  ['a wrong value', `${minimal}method: { kind: lora, rank: 0 }\n`, 'recipe.invalid', 'method.rank'],
  ['an unknown setting', `${minimal}learningrate: 1\n`, 'recipe.invalid', ''],
  ['a name of nothing', `${minimal}name: ''\n`, 'recipe.invalid', 'name'],
  ['a name of spaces', `${minimal}name: '   '\n`, 'recipe.invalid', 'name'],
  ['a name that nobody can see', `${minimal}name: "\\u200b\\u2800"\n`, 'recipe.invalid', 'name'],
  [
    'a scenario that does not exist',
    'scenario: magic\nmodel: starter\ndata: { path: a }\n',
    'recipe.invalid',
    'scenario',
  ],
  ['text that is no YAML', 'scenario: [classification\nmodel: x', 'recipe.invalid', 'line'],
  ['an empty file', '', 'recipe.invalid', ''],
  ['a list', '- a\n- b\n', 'recipe.invalid', ''],
])('%s is answered with its place', (_name, text, code, where) => {
  const draft = readRecipeFile(recipe(text))
  expect(draft).toMatchObject({ ok: false, problem: { code } })
  if (!draft.ok) expect(draft.problem.where).toContain(where)
})

test('all faults of a file are named at once, each with its place, what was expected and what came', () => {
  const text = `model: ''
scenario: magic
data: { validationShare: 2, splitSead: 3 }
method: { rank: 0, targets: [] }
optimizer: { learningRate: high }
`
  const draft = readRecipeFile(recipe(text))
  if (draft.ok) throw new Error('this recipe is wrong in eight places')
  const { message, where, faults } = draft.problem
  expect(faults).toEqual([
    { where: 'model', message: 'expected a length of at least 1, got ""' },
    { where: 'data.path', message: 'expected a text, but it is missing' },
    { where: 'data.validationShare', message: 'expected at most 1, got 2' },
    { where: 'data', message: 'there is no setting called splitSead' },
    {
      where: 'scenario',
      message:
        'expected classification, question-answering, translation, summarisation, entity-recognition, chatbot, creative-writing, code or domain, got "magic"',
    },
    { where: 'method.rank', message: 'expected at least 1, got 0' },
    { where: 'method.targets', message: 'expected a length of at least 1, got []' },
    { where: 'optimizer.learningRate', message: 'expected a number, got "high"' },
  ])
  expect(message).toBe('8 settings are not valid.')
  expect(where).toMatch(/yaml, model, data.path, .*optimizer.learningRate$/)
  const words = describeProblem(draft.problem)
  for (const fault of faults ?? []) expect(words).toContain(`\n  at ${fault.where}: ${fault.message}\n`)
})

test('a single fault is said in the message itself; what is missing is called missing', () => {
  const draft = readRecipeFile(recipe('model: starter\ndata: { path: rows.csv }\n'))
  const message =
    'expected classification, question-answering, translation, summarisation, entity-recognition, chatbot, creative-writing, code or domain, but it is missing'
  expect(draft).toMatchObject({
    ok: false,
    problem: { message: `At scenario: ${message}.`, faults: [{ where: 'scenario', message }] },
  })
})

test('a missing and a huge file are answered, not read', () => {
  expect(readRecipeFile(join(folder, 'none.yaml'))).toMatchObject({
    ok: false,
    problem: { code: 'file.missing' },
  })
  expect(readRecipeFile(recipe('#'.repeat(300_000)))).toMatchObject({
    ok: false,
    problem: { code: 'limit.exceeded' },
  })
})

test('a setting cannot reach the prototype of objects', () => {
  expect(draftOfSettings([['__proto__.polluted', 'yes']])).toMatchObject({ ok: false })
  expect(({} as { polluted?: string }).polluted).toBeUndefined()
})

test('the learning rate that nobody says goes by what is trained, and by the optimizer', () => {
  const rateOf = (...settings: Setting[]): number =>
    unwrap(
      draftOfSettings([
        ['model', 'm'],
        ['data.path', 'rows.csv'],
        ['scenario', 'classification'],
        ...settings,
      ]),
    ).optimizer.learningRate
  expect(rateOf()).toBe(2e-4)
  expect(rateOf(['method.kind', 'full'])).toBe(2e-5)
  expect(rateOf(['method.kind', 'full-head'])).toBe(2e-5)
  expect(rateOf(['method.kind', 'head'], ['optimizer.kind', 'sgd'])).toBe(0.5)
  // Bug: both took AdamW's, with which one hardly learns and the other learns several times too strongly.
  expect(rateOf(['optimizer.kind', 'sgd'])).toBe(0.01)
  expect(rateOf(['optimizer.kind', 'lion'])).toBe(4e-5)
  expect(rateOf(['optimizer.kind', 'lion'], ['optimizer.learningRate', '0.0002'])).toBe(2e-4)
  expect(rateOf(['method.kind', 'full'], ['optimizer.learningRate', '0.0002'])).toBe(2e-4)
})

// From a project's draft to the recipe draft: what the screens showed is what is trained.
import { expect, test } from 'vitest'
import type { FilledProject } from '#core/projects/project-source.ts'
import { recipeOfProject } from '#core/training/recipe-of-project.ts'
import { type PresetId, presetIds, projectDraft } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'

const choice = {
  preset: 'balanced',
  changes: {},
  name: null,
  model: { kind: 'decoder', layers: 30 },
} as const
const source = (draft: object): FilledProject => ({
  project: { id: 'p', name: 'Mail', scenario: 'classification', goal: '', createdAtMs: 0 },
  draft: projectDraft.parse({ modelId: 'm-0000000000000000', ...draft }),
  paths: ['/a.csv', '/b.csv'],
  before: null,
})

test('a run learns with the instruction of the language that the project was made in', () => {
  expect(unwrap(recipeOfProject(source({ language: 'de' }), choice)).language).toBe('de')
})

test("rows, split and repairs are the draft's, over all files", () => {
  const draft = { testShare: 0.3, splitSeed: 9, fixes: ['drop-damaged'], groupColumn: 'customer' }
  expect(unwrap(recipeOfProject(source(draft), choice)).data).toEqual({
    path: '/a.csv',
    morePaths: ['/b.csv'],
    columns: null,
    validationShare: 0.15,
    ...draft,
  })
})

test.each(['data.path', 'language', 'instruction', 'method..rank', '__proto__.x', 'method.constructor'])(
  'a plan cannot change %s',
  (path) => {
    expect(recipeOfProject(source({}), { ...choice, changes: { [path]: 'x' } })).toMatchObject({
      ok: false,
      problem: { code: 'recipe.invalid', where: path },
    })
  },
)

test.each(['', '   ', '\u2800'])('a run called %j is a fault of the recipe', (name) => {
  expect(recipeOfProject(source({}), { ...choice, name })).toMatchObject({
    ok: false,
    problem: { code: 'recipe.invalid', where: 'name', message: 'At name: expected a name that can be seen.' },
  })
})

test('changes win over the preset', () => {
  const changes = { 'method.rank': 3, 'evaluation.patience': null }
  expect(unwrap(recipeOfProject(source({}), { ...choice, preset: 'thorough', changes }))).toMatchObject({
    method: { rank: 3, alpha: 32 },
    evaluation: { patience: null },
  })
})

test('the rate of a preset goes by what is trained, unless a person says it', () => {
  const rateOf = (preset: PresetId, kind: string, own: Record<string, unknown> = {}): number =>
    unwrap(recipeOfProject(source({}), { ...choice, preset, changes: { 'method.kind': kind, ...own } }))
      .optimizer.learningRate
  expect(presetIds.map((preset) => rateOf(preset, 'lora'))).toEqual([5e-4, 2e-4, 1e-4])
  expect(presetIds.map((preset) => rateOf(preset, 'full'))).toEqual([5e-5, 2e-5, 1e-5])
  expect(presetIds.map((preset) => rateOf(preset, 'head'))).toEqual([0.01, 0.01, 0.01])
  expect(rateOf('balanced', 'lora-head')).toBe(5e-4)
  expect(presetIds.map((preset) => rateOf(preset, 'full-head'))).toEqual([5e-5, 2e-5, 1e-5])
  expect(rateOf('balanced', 'full', { 'optimizer.learningRate': 3e-4 })).toBe(3e-4)
})

test('the rate of a preset goes by the optimizer too', () => {
  const rateOf = (preset: PresetId, optimizer: string, kind = 'lora'): number => {
    const changes = { 'method.kind': kind, 'optimizer.kind': optimizer }
    return unwrap(recipeOfProject(source({}), { ...choice, preset, changes })).optimizer.learningRate
  }
  expect(presetIds.map((preset) => rateOf(preset, 'lion'))).toEqual([1e-4, 4e-5, 2e-5])
  expect(rateOf('balanced', 'sgd')).toBe(0.01)
  expect(rateOf('balanced', 'lion', 'head')).toBe(0.002)
  for (const optimizer of ['adamw', 'adamw-8bit', 'adafactor'])
    expect(rateOf('balanced', optimizer)).toBe(2e-4)
})

test('what is trained may be said as a group of settings: the rate is its own, and the rest of the preset stays', () => {
  const changes = { method: { kind: 'lora-head' } }
  expect(unwrap(recipeOfProject(source({}), { ...choice, preset: 'thorough', changes }))).toMatchObject({
    method: { kind: 'lora-head', rank: 16 },
    optimizer: { learningRate: 2e-4 },
  })
  const hidden = { method: { constructor: 1 } }
  expect(recipeOfProject(source({}), { ...choice, changes: hidden })).toMatchObject({
    problem: { where: 'method.constructor' },
  })
  const file = { before: { path: '/etc/passwd' } }
  expect(recipeOfProject(source({}), { ...choice, changes: file })).toMatchObject({
    problem: { where: 'before.path' },
  })
})

test('a new last layer on a model that writes has the paces of one on kept states', () => {
  const changes = { 'method.kind': 'head' }
  expect(unwrap(recipeOfProject(source({}), { ...choice, changes }))).toMatchObject({
    duration: { epochs: 30 },
    reuseFrozenLayers: true,
    method: { topLayers: null },
  })
})

test('a quick look trains the uppermost third of the blocks, and computes what lies below once', () => {
  const quick = { ...choice, preset: 'quick' } as const
  expect(unwrap(recipeOfProject(source({}), quick))).toMatchObject({
    method: { topLayers: 10 },
    reuseFrozenLayers: true,
  })
  expect(
    unwrap(recipeOfProject(source({}), { ...quick, model: { kind: 'decoder', layers: 7 } })).method.topLayers,
  ).toBe(3)
  expect(unwrap(recipeOfProject(source({}), { ...quick, model: null })).method.topLayers).toBeNull()
})

test('where a person trains upper blocks only, the others are computed once without being asked for', () => {
  const changes = { 'method.topLayers': 4 }
  expect(unwrap(recipeOfProject(source({}), { ...choice, changes })).reuseFrozenLayers).toBe(true)
})

test('a model that cannot write gets a new last layer from every plan', () => {
  for (const preset of presetIds) {
    const encoder = { ...choice, preset, model: { kind: 'encoder', layers: 6 } } as const
    const { method, optimizer } = unwrap(recipeOfProject(source({}), encoder))
    expect([method.kind, optimizer.learningRate]).toEqual(['head', 0.01])
  }
})

test('a first stage is there where its file is, and how it goes is kept meanwhile', () => {
  const changes = { 'before.epochs': 2, 'before.learningRate': 1e-4 }
  expect(unwrap(recipeOfProject(source({}), { ...choice, changes })).before).toBeNull()
  const before = { path: '/handbook.md', columns: null }
  const made = (own: object) => recipeOfProject({ ...source({}), before }, { ...choice, changes: { ...own } })
  expect(unwrap(made({})).before).toEqual({ ...before, epochs: 1, learningRate: null })
  expect(unwrap(made(changes)).before).toEqual({ ...before, epochs: 2, learningRate: 1e-4 })
  for (const path of ['before', 'before.path', 'before.columns.text'])
    expect(made({ [path]: 'x' })).toMatchObject({ ok: false, problem: { where: path } })
})

// A trial's recipe: the base with settings and seed, checked as any recipe.
import { expect, test } from 'vitest'
import { baseSettings, isSearchablePath, trialRecipe } from '#core/tuning/trial-recipe.ts'
import { unwrap } from '#shared/result.ts'
import { specOf } from './scripted-studies.ts'

const spec = specOf()

test('settings and seed stand at their places, everything else is the base, which stays as it was', () => {
  const before = structuredClone(spec.base)
  const recipe = unwrap(trialRecipe(spec, { 'method.rank': 3, 'regularisation.neftuneAlpha': 5 }, 99))
  expect(recipe).toEqual({
    ...spec.base,
    seed: 99,
    method: { ...spec.base.method, rank: 3 },
    regularisation: { ...spec.base.regularisation, neftuneAlpha: 5 },
  })
  expect(spec.base).toEqual(before)
})

test('a value that a recipe cannot have is refused with its path', () => {
  expect(trialRecipe(spec, { 'method.rank': 0 }, 1)).toMatchObject({
    ok: false,
    problem: { code: 'recipe.invalid', where: 'method.rank' },
  })
  expect(trialRecipe(spec, { 'method.rnak': 4 }, 1)).toMatchObject({ ok: false })
})

test.each([
  'seed',
  'data.fingerprint',
  'model.id',
  'evaluation.mostRows',
  'batch.maxTokens',
  'threads',
  '__proto__.x',
  'before.fingerprint',
])('what all trials share cannot be searched: %s', (path) => {
  expect(isSearchablePath(path)).toBe(false)
  expect(trialRecipe(spec, { [path]: 1 }, 1)).toMatchObject({ ok: false, problem: { where: path } })
})

test('the values of the base for what is searched', () => {
  expect(baseSettings(spec)).toEqual({ 'optimizer.learningRate': 2e-4, 'method.rank': 8 })
})

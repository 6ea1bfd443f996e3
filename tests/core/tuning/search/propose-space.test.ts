// The ranges that are proposed: only what counts, nothing that changes what is measured, the plan's own values inside, every
// point a recipe that is allowed.
import { describe, expect, test } from 'vitest'
import { refusedRecipe } from '../../../../src/core/training/recipe-sense.ts'
import { setAt, settingsByPath } from '../../../../src/core/training/setting-paths.ts'
import { proposeSpace, suggest } from '../../../../src/core/tuning/search/index.ts'
import { searchEfforts } from '../../../../src/shared/contract/studies.ts'
import { methodKinds, type RecipeDraft, recipeDraft } from '../../../../src/shared/recipe.ts'
import { type Dimension, searchSpace } from '../../../../src/shared/study.ts'

const model = { kind: 'decoder', layers: 30, hidden: 576, parameters: 135e6 } as const
const draft = (changes: object = {}): RecipeDraft =>
  recipeDraft.parse({ model: 'm', data: { path: 'rows.csv' }, scenario: 'classification', ...changes })
const ask = (recipe: RecipeDraft, more: Partial<Parameters<typeof proposeSpace>[0]> = {}) =>
  proposeSpace({ recipe, model, rows: 400, effort: 'thorough', ...more })
const dimensionAt = (proposals: ReturnType<typeof proposeSpace>, path: string): Dimension | undefined =>
  proposals.find(({ dimension }) => dimension.path === path)?.dimension

/** What decides the rows, the model, the way of training or how a loss is measured. */
const untouched =
  /^(model|data|before|instruction|scenario|language|name|seed|device|threads|method\.kind|method\.base|method\.targets|method\.alpha|batch\.maxTokens|batch\.packing|evaluation)/

const recipes: [string, RecipeDraft][] = [
  ...methodKinds.map((kind): [string, RecipeDraft] => [kind, draft({ method: { kind } })]),
  ['upper blocks, kept states', draft({ method: { topLayers: 4 }, reuseFrozenLayers: true })],
  ['all blocks, kept states', draft({ reuseFrozenLayers: true })],
  ['noise already', draft({ regularisation: { neftuneAlpha: 7 }, reuseFrozenLayers: true })],
  ['Lion', draft({ optimizer: { kind: 'lion', learningRate: 1e-5, weightDecay: 0 } })],
  ['half a pass, one row', draft({ duration: { epochs: 0.5 }, batch: { microRows: 1 } })],
  [
    'odd values',
    draft({ optimizer: { learningRate: 0.9 }, method: { rank: 500 }, duration: { epochs: 1000 } }),
  ],
]

describe.each(recipes)('%s', (_, recipe) => {
  test.each(searchEfforts)(
    '%s: a valid space with the own values in it, which changes nothing that is measured',
    (effort) => {
      const proposals = ask(recipe, { effort })
      const space = searchSpace.parse(proposals.map(({ dimension }) => dimension))
      expect(space.filter(({ path }) => untouched.test(path))).toEqual([])
      expect(new Set(space.map(({ path }) => path)).size).toBe(space.length)
      const own = settingsByPath(recipe)
      for (const dimension of space) {
        const value = own.get(dimension.path) ?? null
        if (dimension.kind === 'choice') expect(dimension.values).toContain(value)
        else if (value !== 0) {
          expect(dimension.low).toBeLessThanOrEqual(Number(value))
          expect(dimension.high).toBeGreaterThanOrEqual(Number(value))
        }
      }
      for (const { reason } of proposals) expect(reason).toMatch(/^[A-Z].*\.$/)
      expect(proposals.some(({ isIncluded }) => isIncluded)).toBe(true)
    },
  )

  test('every point of it is a recipe that the schema and this model allow', () => {
    const space = ask(recipe).map(({ dimension }) => dimension)
    for (let number = 0; number < 200; number += 1) {
      const settings = suggest({
        space,
        sampler: 'random',
        seed: 2,
        number,
        startupTrials: 1,
        history: [],
        priors: [],
      })
      const changed: Record<string, unknown> = structuredClone(recipe)
      for (const [path, value] of Object.entries(settings ?? {})) setAt(changed, path.split('.'), value)
      const parsed = recipeDraft.parse(changed)
      if (refusedRecipe(recipe, model) === null) expect(refusedRecipe(parsed, model)).toBeNull()
    }
  })
})

describe('ranges', () => {
  const rate = (more: Parameters<typeof ask>[1], kind = 'lora', learningRate = 2e-4) => {
    const recipe = draft({ method: { kind }, optimizer: { learningRate } })
    const found = dimensionAt(ask(recipe, more), 'optimizer.learningRate')
    return found?.kind === 'number' ? found : undefined
  }

  test('larger models get lower learning rates, whole models lower ones than adapters', () => {
    const small = rate({})!
    const large = rate({ model: { ...model, parameters: 8e9 } })!
    expect(large.high).toBeLessThan(small.high)
    expect(rate({}, 'full', 2e-5)!.high).toBeLessThan(small.high)
    expect(small.isLog).toBe(true)
    expect(small.low).toBeLessThan(2e-4)
    // One new layer learns alike on every model.
    expect(rate({ model: { ...model, parameters: 8e9 } }, 'head', 1e-2)).toEqual(rate({}, 'head', 1e-2))
  })

  test('what does not count for a way of training is not searched', () => {
    const paths = (kind: string) => ask(draft({ method: { kind } })).map(({ dimension }) => dimension.path)
    expect(paths('lora')).toContain('method.rank')
    expect(paths('full')).not.toContain('method.rank')
    for (const kind of ['full', 'full-head']) expect(paths(kind)).toContain('optimizer.layerDecay')
    expect(paths('head')).not.toContain('method.topLayers')
    expect(paths('head')).not.toContain('regularisation.neftuneAlpha')
  })

  test('noise and kept states of resting blocks never come together', () => {
    const proposals = ask(draft({ reuseFrozenLayers: true }))
    expect(dimensionAt(proposals, 'method.topLayers')?.onlyWhen).toEqual({
      path: 'regularisation.neftuneAlpha',
      values: [null],
    })
    const order = proposals.map(({ dimension }) => dimension.path)
    expect(order.indexOf('regularisation.neftuneAlpha')).toBeLessThan(order.indexOf('method.topLayers'))
    const resting = ask(draft({ reuseFrozenLayers: true, method: { topLayers: 4 } }))
    expect(dimensionAt(resting, 'regularisation.neftuneAlpha')).toBeUndefined()
  })

  test('a batch is not so large that few rows give no steps', () => {
    const rows = (count: number) => {
      const found = dimensionAt(ask(draft(), { rows: count }), 'batch.microRows')
      return found?.kind === 'choice' ? found.values : []
    }
    expect(rows(400)).toEqual([2, 4, 8, 16])
    expect(rows(40)).toEqual([2, 4, 8])
    expect(rows(10)).toEqual([])
  })

  test('more effort searches more', () => {
    const included = searchEfforts.map(
      (effort) => ask(draft(), { effort }).filter(({ isIncluded }) => isIncluded).length,
    )
    expect(included).toEqual([2, 5, 10])
  })
})

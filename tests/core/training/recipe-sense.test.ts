// What cannot be trained is refused with its place before anything starts; what counts nothing is told.
import { expect, test } from 'vitest'
import { presetChanges } from '#core/training/presets.ts'
import { doubtSentences, idleSentences, refusedRecipe } from '#core/training/recipe-sense.ts'
import { rateFactors } from '#core/training/usual-rates.ts'
import { presetIds } from '#shared/contract/index.ts'
import { methodKinds, type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { recipeFields } from '#shared/recipe-fields.ts'
import { idleSettings } from '#shared/setting-sense.ts'

const draft = (settings: object, scenario = 'classification'): RecipeDraft =>
  recipeDraft.parse({ model: 'm', data: { path: 'p' }, scenario, ...settings })
const decoder = { kind: 'decoder', layers: 4 } as const

test.each([
  ['weights that learn, in few bits', { method: { kind: 'full', base: 'nf4' } }, 'method.base'],
  ['such weights below a new last layer', { method: { kind: 'full-head', base: 'int8' } }, 'method.base'],
  ['more blocks than there are', { method: { topLayers: 5 } }, 'method.topLayers'],
  [
    'noise below a head over blocks computed once',
    { method: { kind: 'head' }, regularisation: { neftuneAlpha: 5 }, reuseFrozenLayers: true },
    'regularisation.neftuneAlpha',
  ],
  [
    'noise below upper blocks over others computed once',
    { method: { topLayers: 3 }, regularisation: { neftuneAlpha: 5 }, reuseFrozenLayers: true },
    'regularisation.neftuneAlpha',
  ],
])('%s', (_, settings, where) => {
  expect(refusedRecipe(draft(settings), decoder)).toMatchObject({ code: 'recipe.invalid', where })
})

test.each([
  ['the whole model as it is', { method: { kind: 'full' } }],
  ['few bits below an adapter', { method: { base: 'nf4' } }],
  ['all blocks, counted', { method: { topLayers: 4 } }],
  ['noise where no block rests', { regularisation: { neftuneAlpha: 5 }, reuseFrozenLayers: true }],
  [
    'noise where all blocks are counted as the uppermost',
    { method: { topLayers: 4 }, regularisation: { neftuneAlpha: 5 }, reuseFrozenLayers: true },
  ],
  [
    'noise where resting blocks are computed anew',
    { method: { topLayers: 3 }, regularisation: { neftuneAlpha: 5 } },
  ],
  ['a head', { method: { kind: 'head' } }],
  ['the whole model with a head', { method: { kind: 'full-head' } }],
])('%s may be', (_, settings) => {
  expect(refusedRecipe(draft(settings), decoder)).toBeNull()
})

test('a new last layer needs rows with labels', () => {
  for (const kind of ['head', 'lora-head', 'full-head']) {
    expect(refusedRecipe(draft({ method: { kind } }, 'chatbot'), decoder)?.where).toBe('method.kind')
    expect(refusedRecipe(draft({ method: { kind } }, 'entity-recognition'), decoder)).toBeNull()
  }
})

test('a model that cannot write learns to name labels, and nothing else', () => {
  const encoder = { kind: 'encoder', layers: 4 } as const
  for (const kind of ['head', 'lora-head', 'full-head'])
    expect(refusedRecipe(draft({ method: { kind } }), encoder)).toBeNull()
  // What it says to set instead can be had.
  for (const kind of ['lora', 'full'])
    expect(refusedRecipe(draft({ method: { kind } }), encoder)).toMatchObject({
      where: 'method.kind',
      remedy: expect.stringContaining(`method.kind to ${kind}-head`),
    })
  // No setting helps where the goal is a text.
  for (const kind of ['head', 'lora', 'full'])
    expect(refusedRecipe(draft({ method: { kind } }, 'question-answering'), encoder)).toMatchObject({
      where: 'model',
      remedy: expect.stringMatching(/^Choose another model/),
    })
})

test('a model of two halves makes one text of another, row by row, and nothing else', () => {
  const model = { kind: 'sequence-to-sequence', layers: 4 } as const
  const whereOf = (changes: object, scenario = 'translation') =>
    refusedRecipe(draft(changes, scenario), model)?.where ?? null
  for (const scenario of ['translation', 'summarisation', 'question-answering', 'classification'] as const) {
    expect(whereOf({}, scenario)).toBeNull()
    expect(whereOf({ method: { kind: 'full', topLayers: 2 } }, scenario)).toBeNull()
  }
  for (const scenario of ['chatbot', 'domain', 'creative-writing', 'code', 'entity-recognition'] as const)
    expect(whereOf({}, scenario)).toBe('model')
  expect(whereOf({ method: { kind: 'lora-head' } }, 'classification')).toBe('method.kind')
  expect(whereOf({ reuseFrozenLayers: true })).toBeNull()
  expect(whereOf({ reuseFrozenLayers: true, method: { topLayers: 2 } })).toBe('reuseFrozenLayers')
})

test('what was set and counts nothing is told with what it would need', () => {
  expect(idleSentences(draft({ method: { kind: 'full', rank: 4, alpha: 3 } }))).toEqual([
    'Set, but without effect here: method.rank, method.alpha. It counts only with method.kind lora or lora-head.',
  ])
  expect(idleSentences(draft({ method: { kind: 'full' } }))).toEqual([])
  expect(idleSentences(draft({ method: { kind: 'full-head', topLayers: 2 } }))).toEqual([])
  expect(idleSentences(draft({ method: { kind: 'full-head', base: 'nf4' } }))).toEqual([
    'Set, but without effect here: method.base. It counts only with a method.kind other than full and full-head.',
  ])
  expect(idleSentences(draft({ reuseFrozenLayers: true }))).toHaveLength(1)
  expect(idleSentences(draft({ evaluation: { everySteps: 5, atShares: [0.5] } }))).toEqual([
    expect.stringContaining('evaluation.everySteps'),
  ])
  expect(idleSentences(draft({ evaluation: { everySteps: 5 } }))).toEqual([])
  expect(idleSentences(draft({ reuseFrozenLayers: true, method: { topLayers: 2 } }))).toEqual([])
})

test('settings of an optimizer count where its rule reads them', () => {
  const idle = (kind: string) => [...idleSettings({ 'method.kind': 'full', 'optimizer.kind': kind }).keys()]
  const ofOptimizer = (kind: string) => idle(kind).filter((path) => path.startsWith('optimizer.'))
  expect(ofOptimizer('adamw')).toEqual([])
  expect(ofOptimizer('lion')).toEqual(['optimizer.epsilon'])
  expect(ofOptimizer('sgd')).toEqual(['optimizer.beta2', 'optimizer.epsilon'])
  expect(ofOptimizer('adafactor')).toEqual(['optimizer.beta1', 'optimizer.beta2', 'optimizer.epsilon'])
})

test('rules name settings that there are', () => {
  const known = recipeFields.map(({ path }) => path)
  // Nothing is chosen: every rule is unmet.
  for (const path of idleSettings({}).keys()) expect(known).toContain(path)
})

test.each(['full', 'full-head'])('a rate for adapters is doubted for a whole model (%s)', (kind) => {
  const whole = (learningRate: number) => draft({ method: { kind }, optimizer: { learningRate } })
  expect(doubtSentences(whole(2e-4))[0]).toContain('0.0002')
  expect(doubtSentences(whole(2e-5))).toEqual([])
  const texts = { before: { path: 'texts.md', learningRate: 3e-4 } }
  expect(doubtSentences({ ...whole(2e-5), before: draft(texts).before })[0]).toContain('0.0003')
  expect(doubtSentences(draft({}))).toEqual([])
})

test('a rate of AdamW is doubted beside an optimizer that wants another', () => {
  const doubts = (optimizer: object, before: object = {}) => doubtSentences(draft({ optimizer, ...before }))
  expect(doubts({ kind: 'sgd', learningRate: 2e-4 })).toEqual([
    expect.stringMatching(/SGD hardly learns.* 0\.01 /),
  ])
  expect(doubts({ kind: 'sgd', learningRate: 0.01 })).toEqual([])
  expect(doubts({ kind: 'lion', learningRate: 2e-4 })).toEqual([expect.stringMatching(/Lion .* 0\.00004 /)])
  expect(doubts({ kind: 'lion', learningRate: 4e-5 })).toEqual([])
  for (const kind of ['adamw', 'adamw-8bit', 'adafactor'])
    expect(doubts({ kind, learningRate: 2e-4 })).toEqual([])
  // Of two stages the one that it does not suit.
  const texts = (learningRate: number) => ({ before: { path: 'texts.md', learningRate } })
  expect(doubts({ kind: 'sgd', learningRate: 0.01 }, texts(2e-4))[0]).toContain('0.0002')
  expect(doubts({ kind: 'lion', learningRate: 4e-5 }, texts(3e-4))[0]).toContain('0.0003')
})

test('no rate that the program itself takes is doubted', () => {
  const model = { kind: 'decoder', layers: 4 } as const
  for (const method of methodKinds)
    for (const optimizer of Object.keys(rateFactors))
      for (const preset of presetIds)
        for (const scenario of ['classification', 'translation'] as const) {
          const paced = presetChanges(preset, scenario, model, { method, optimizer })
          const learningRate = paced['optimizer.learningRate']
          const planned = draft({ method: { kind: method }, optimizer: { kind: optimizer, learningRate } })
          expect(doubtSentences(planned), `${method} ${optimizer} ${preset} ${scenario}`).toEqual([])
        }
})

test('a first stage is read by a model that writes, and learns something else afterwards', () => {
  const before = { before: { path: 'texts.md' } }
  const encoder = { kind: 'encoder', layers: 4 } as const
  const lora = { ...before, method: { kind: 'lora' } }
  expect(refusedRecipe(draft(lora), decoder)).toBeNull()
  expect(refusedRecipe(draft({ ...before, method: { kind: 'full', topLayers: 2 } }), decoder)).toBeNull()
  const refused = [
    refusedRecipe(draft({ ...before, method: { kind: 'head' } }), decoder),
    refusedRecipe(draft({ ...before, method: { kind: 'lora-head' } }), decoder),
    refusedRecipe(draft(lora, 'domain'), decoder),
    refusedRecipe(draft({ ...before, method: { kind: 'head' } }), encoder),
  ]
  for (const problem of refused)
    expect(problem).toMatchObject({
      ...{ code: 'recipe.invalid', where: 'before' },
      remedy: expect.stringContaining('"Texts of your field first" on the step "Data"'),
    })
  expect(new Set(refused.map((problem) => problem?.message)).size).toBe(3)
  expect(refusedRecipe(draft(lora), { kind: 'sequence-to-sequence', layers: 4 })?.where).toBe('before')
  expect(idleSentences(draft(lora))).toEqual([])
})

// What the page of a run says about its method and about being repeated.
import { expect, test } from 'vitest'
import { runFacts } from '#renderer/features/training/run-facts.ts'
import { determinismLabels } from '#shared/journal-types.ts'
import { sameBitsWhileCopies, whileCopies } from '#shared/kept-copies.ts'
import { methodKinds, type Recipe, recipe } from '#shared/recipe.ts'

const recipeOf = (method: object, more: object = {}): Recipe =>
  recipe.parse({
    version: 1,
    model: { id: 'm', weightsSha256: '0'.repeat(64) },
    data: { fingerprint: 'd' },
    scenario: 'classification',
    instruction: '',
    threads: 1,
    method,
    ...more,
  })
const words = (method: object, more: object = {}, determinism: string | null = null): string[] =>
  runFacts({ recipe: recipeOf(method, more), determinism, backend: 'b 1', attempts: 0 }).map(
    ({ value }) => value,
  )

test('each way of training is said in words, with the name that papers use', () => {
  expect(words({ rank: 4 })[0]).toBe('A small adapter beside the model (LoRA, rank 4)')
  expect(words({ scaling: 'rank-stabilised', rank: 64 })[0]).toContain('(rsLoRA, rank 64)')
  expect(words({ decomposed: true })[0]).toContain('(DoRA, rank 8)')
  expect(words({ kind: 'full' })).toEqual([
    'The whole model (full fine-tuning)',
    'In all layers',
    'This computer’s processor (ONNX Runtime, float32)',
    'Known once it has started',
  ])
  const firsts = methodKinds.map((kind) => words({ kind })[0])
  expect(new Set(firsts).size).toBe(methodKinds.length)
})

test('where it learns and how the rest is kept', () => {
  expect(words({ topLayers: 10, base: 'nf4' }, { reuseFrozenLayers: true }).slice(1, 3)).toEqual([
    'In the uppermost 10 layers; what those below give is computed once',
    'Stay as they are, kept in 4 bits (NF4, QLoRA)',
  ])
  expect(words({ base: 'int8' })[3]).toContain('put what it learnt on the model itself')
  expect(words({}).join()).not.toContain('fewer bits')
  expect(words({ topLayers: 1 })[1]).toBe('In the uppermost layer')
  // All blocks rest below a head alone.
  expect(words({ kind: 'head', topLayers: 3 })).toHaveLength(4)
})

test('the promise of repeatability is said for each label that a backend can have', () => {
  const said = determinismLabels.map((label) => words({}, {}, label).at(-1) ?? '')
  expect(words({}, {}, 'it went on').at(-1)).toContain('It went on')
  expect(said[0]).toContain('last bit')
  expect(words({}, {}, sameBitsWhileCopies).at(-1)).toBe(`${said[0]}, ${whileCopies}`)
  expect(said.map((word) => word.split(/\W/)[0])).toEqual(['Yes', 'Nearly', 'No'])
})

test('a first stage comes first', () => {
  const stage = (more: object) => ({ before: { fingerprint: 'f', ...more } })
  expect(words({}, stage({}))[0]).toBe('Read once, every word a lesson; learning rate 0.0002')
  expect(words({}, stage({ epochs: 2.5, learningRate: 1e-5 }))[0]).toBe(
    'Read 2.5 times, every word a lesson; learning rate 0.00001',
  )
})

test('what it is computed on, by which backend, and that it may have gone on elsewhere', () => {
  const factOf = (attempts: number) => {
    const determinism = attempts === 0 ? null : determinismLabels[0]
    const run = { recipe: recipeOf({}, { device: 'tensorflow-cpu-bf16' }), determinism, backend: 'b 1' }
    return runFacts({ ...run, attempts }).find(({ name }) => / on$/.test(name))
  }
  const value = 'Processor with TensorFlow in 16 bits (bfloat16)'
  expect(factOf(0)).toEqual({ name: 'Computed on', value })
  expect(factOf(1)).toEqual({ name: 'Computed on', value, note: 'b 1' })
  expect(factOf(2)).toEqual({ name: 'Begun on', value, note: 'last computed by b 1' })
})

test('a run of another journal is not said to have been computed by this computer (it was)', () => {
  const run = { recipe: recipeOf({}), determinism: determinismLabels[0], backend: 'b 1', attempts: 1 }
  const value = (isElsewhere: boolean) =>
    runFacts(run, isElsewhere).find(({ name }) => name === 'Computed on')?.value ?? ''
  expect(value(false)).toContain('This computer')
  expect(value(true)).toMatch(/^The processor of the computer there/)
})

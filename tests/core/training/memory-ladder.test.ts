// What is changed where memory is short: the gentlest things first, never what is trained, and shorter rows only offered.
import { describe, expect, it, test } from 'vitest'
import { knownModels } from '#core/models/known-models.ts'
import { fitIntoMemory } from '#core/training/memory-ladder.ts'
import { type MemoryPlan, planMemory } from '#core/training/memory-plan.ts'
import { memoryProblem, planRun } from '#core/training/plan-run.ts'
import { languageModel } from '#engine/index.ts'
import { type RecipeDraft, recipeDraft } from '#shared/recipe.ts'

const draft = (changes: Record<string, unknown> = {}): RecipeDraft =>
  recipeDraft.parse({
    scenario: 'translation',
    model: 'm',
    data: { path: 'd' },
    batch: { microRows: 8, accumulation: 2 },
    gradientCheckpointing: false,
    ...changes,
  })

const config = knownModels[1]!.config
const rows = { longestTokens: 200, mostLabelledTokens: 60 }
const known = new Map<string, MemoryPlan>()
const plan = (recipe: RecipeDraft): MemoryPlan => {
  const key = JSON.stringify(recipe)
  const found = known.get(key) ?? planMemory({ config, recipe, task: languageModel, rows, bytesPerValue: 4 })
  known.set(key, found)
  return found
}
const climb = (recipe: RecipeDraft, freeBytes: number) => fitIntoMemory({ recipe, freeBytes, plan })
/** Just enough for a plan of this recipe. */
const enoughFor = (recipe: RecipeDraft): number => Math.ceil(plan(recipe).total / 0.9) + 1

const wanted = draft()
const withRows = (rowsAtOnce: number, changes: Record<string, unknown> = {}) =>
  draft({ batch: { microRows: 8, accumulation: 2, rowsAtOnce }, ...changes })
const checkpointed = { gradientCheckpointing: true }
const small = { ...checkpointed, optimizer: { kind: 'adamw-8bit' } }

describe('the ladder', () => {
  it('changes nothing where the plan fits', () => {
    expect(climb(wanted, enoughFor(wanted))).toMatchObject({ recipe: wanted, fits: true, sentences: [] })
  })

  it('first computes fewer rows at a time, as many as fit', () => {
    for (const rowsAtOnce of [4, 2, 1]) {
      const less = withRows(rowsAtOnce)
      const { recipe, fits, sentences } = climb(wanted, enoughFor(less))
      expect(recipe).toEqual(less)
      expect(fits).toBe(true)
      expect(sentences).toHaveLength(2)
      expect(sentences[1]).toContain(`instead of 8`)
    }
  })

  it('then computes blocks twice, again with the most rows that fit', () => {
    const { recipe, sentences } = climb(wanted, enoughFor(withRows(1)) - 50e6)
    expect(recipe).toMatchObject({ ...checkpointed, optimizer: { kind: 'adamw' } })
    expect(recipe.batch.rowsAtOnce).not.toBe(1)
    expect(sentences.join(' ')).toContain('gradient checkpointing')
  })

  it('then keeps the optimizer in 8 bits, then the base in 4, the more exact 4 bits first', () => {
    const eight = withRows(1, small)
    expect(climb(wanted, enoughFor(eight)).recipe).toEqual(eight)
    const exact = withRows(1, { ...small, method: { base: 'int4' } })
    expect(climb(wanted, enoughFor(exact)).recipe.method.base).toBe('int4')
    const four = withRows(1, { ...small, method: { base: 'nf4' } })
    const { recipe, fits, sentences } = climb(wanted, enoughFor(four))
    expect(recipe).toMatchObject({ method: { base: 'nf4' }, optimizer: { kind: 'adamw-8bit' } })
    expect(fits).toBe(true)
    expect(sentences.join(' ')).toContain('4 bits')
  })

  it('says so where nothing is enough, and leaves batch, order and what is trained as they are', () => {
    const { recipe, fits } = climb(wanted, 100e6)
    expect(fits).toBe(false)
    const { batch, method } = wanted
    expect(recipe).toMatchObject({ batch: { ...batch, rowsAtOnce: 1 }, seed: wanted.seed })
    expect({ ...recipe.method, base: 'float' }).toEqual(method)
  })

  it('never keeps weights in 4 bits that are trained themselves', () => {
    const { recipe } = climb(draft({ method: { kind: 'full' } }), 100e6)
    expect(recipe.method.base).toBe('float')
  })
})

test('shorter rows are offered with their price, and not taken', () => {
  const examples = [40, 60, 80, 100, 3000].map((tokens) => ({
    tokens,
    answerTokens: tokens / 4,
  }))
  const lengths = { tokens: examples.map(({ tokens }) => tokens), examples, sharedTokens: 0 }
  const recipe = draft({ batch: { microRows: 2, maxTokens: 4096 } })
  const model = { config, bytesPerValue: 4 }
  const request = { recipe, model, lengths, textLengths: null, classes: 0 }
  const least = planRun({ ...request, availableBytes: 100e6 })!
  const tight = planRun({ ...request, availableBytes: least.memory.total })!
  expect(tight.fits).toBe(false)
  expect(tight.recipe.batch.maxTokens).toBe(4096)
  expect(tight.offer).toMatchObject({ leftOutShare: expect.closeTo(1 / 5) })
  const problem = memoryProblem(tight, tight.memory.total)
  expect(problem).toMatchObject({ code: 'memory.too-small' })
  expect(problem!.remedy).toContain('about 20 % of the rows')
  expect(memoryProblem(tight, 2 * tight.memory.total)).toBeNull()
  expect(planRun({ ...request, recipe: draft({ batch: { maxTokens: 30 } }), availableBytes: 8e9 })).toBeNull()
})

// Only the rows were counted: of the texts most were left out without a word.
test('the price of shorter rows is also that of the texts before them', () => {
  const lengthsOf = (...all: number[]) => ({
    tokens: all,
    examples: all.map((tokens) => ({ tokens, answerTokens: tokens / 4 })),
    sharedTokens: 0,
  })
  const request = {
    recipe: draft({ batch: { microRows: 2, maxTokens: 20_000 }, before: { path: 't' } }),
    model: { config: knownModels[0]!.config, bytesPerValue: 4 },
    lengths: lengthsOf(40, 60, 80, 100),
    textLengths: lengthsOf(60, 11_000, 11_500, 12_000),
    classes: 0,
  }
  const least = planRun({ ...request, availableBytes: 100e6 })!
  const tight = planRun({ ...request, availableBytes: least.memory.total })!
  expect(tight.offer).toMatchObject({ leftOutShare: 0, leftOutTextShare: 3 / 4 })
  expect(memoryProblem(tight, tight.memory.total)!.remedy).toContain(
    'hardly any of the rows, and about 75 % of the texts of the first stage, would be left out',
  )
})

test('what is computed for validation rows counts only where there are some, with and without kept blocks', () => {
  for (const changes of [{}, { method: { topLayers: 2 }, reuseFrozenLayers: true }]) {
    const request = { config, recipe: draft(changes), task: languageModel, rows, bytesPerValue: 4 }
    const measured = planMemory(request)
    const alone = planMemory({ ...request, isMeasured: false })
    expect(alone.besides).toBeLessThan(measured.besides)
    expect(alone.besides > 0).toBe('method' in changes)
    expect(alone.activations).toBe(measured.activations)
  }
})

test('an instruction that is computed once for a batch takes the memory of one', () => {
  const examples = [{ tokens: 400, answerTokens: 10 }]
  const planned = (sharedTokens: number, changes: Record<string, unknown>) =>
    planRun({
      recipe: draft({ gradientCheckpointing: false, ...changes }),
      model: { config, bytesPerValue: 4 },
      lengths: { tokens: [400], examples, sharedTokens },
      ...{ textLengths: null, classes: 0, availableBytes: 64e9 },
    })!.memory.activations
  const packed = { batch: { microRows: 8, packing: true } }
  // 8 rows of 415 tokens with their template: 300 + 8 x 115 places.
  expect(planned(300, packed) / planned(0, packed)).toBeLessThan(0.5)
  const padded = { batch: { microRows: 8, packing: false } }
  expect(planned(300, padded)).toBe(planned(0, padded))
  const noisy = { ...packed, regularisation: { neftuneAlpha: 5 } }
  expect(planned(300, noisy)).toBe(planned(0, noisy))
})

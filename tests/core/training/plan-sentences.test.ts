// What a plan says it will do is what happens: a limit of steps ends the passes before they are made.
import { expect, it } from 'vitest'
import { planSentences } from '#core/training/plan-sentences.ts'
import { recipeDraft } from '#shared/recipe.ts'

/** 200 rows, 8 a step: 75 steps in three passes. */
const saidOf = (duration: { readonly maxSteps?: number; readonly epochs?: number }): string =>
  planSentences({
    recipe: recipeDraft.parse({ scenario: 'classification', model: 'm', data: { path: 'd' }, duration }),
    counts: { train: 200, validation: 40, test: 60 },
    texts: 0,
    layers: 30,
  })[0] ?? ''

it('says how often it goes over the rows', () => {
  expect(saidOf({})).toMatch(/^The model goes over your 200 rows 3 times and learns/)
  expect(saidOf({ epochs: 1 })).toMatch(/over your 200 rows once and learns/)
})

it('a limit of steps that is never reached changes nothing', () => {
  expect(saidOf({ maxSteps: 75 })).toBe(saidOf({}))
  expect(saidOf({ maxSteps: 74 })).not.toBe(saidOf({}))
})

it('says where a limit of steps ends it, and what it would have been', () => {
  expect(saidOf({ maxSteps: 40 })).toMatch(
    /over your 200 rows about 1\.6 times, where the limit of 40 steps ends it \(3 times without the limit\), and learns/,
  )
  expect(saidOf({ maxSteps: 25 })).toMatch(/about once, where the limit of 25 steps ends it/)
  expect(saidOf({ maxSteps: 1 })).toMatch(
    /over your 200 rows only in part, about 4 % of them, where the limit of one step ends it/,
  )
})

it('says plainly what it costs that only upper blocks learn', () => {
  const said = (scenario: 'classification' | 'summarisation', topLayers: number | null): string =>
    planSentences({
      recipe: recipeDraft.parse({
        ...{ scenario, model: 'm', data: { path: 'd' }, reuseFrozenLayers: true },
        method: { kind: 'lora', topLayers },
      }),
      counts: { train: 200, validation: 40, test: 60 },
      ...{ texts: 0, layers: 30 },
    })[1] ?? ''
  expect(said('classification', 10)).toBe(
    'Only the uppermost 10 of its 30 blocks learn; what the blocks below make of your rows is computed once and kept on disk. That is much quicker. Where we measured it, sorting into labels lost nothing by that with 400 rows, but most of what there was to gain with 36: with few rows rather let all blocks learn.',
  )
  expect(said('classification', 1)).toMatch(/^Only the uppermost of its 30 blocks learns;/)
  expect(said('summarisation', 10)).toMatch(/written answers lost about a fifth of the gain by that\.$/)
  expect(said('classification', null)).not.toContain('uppermost')
})

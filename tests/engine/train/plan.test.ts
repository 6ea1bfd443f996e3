import { describe, expect, it } from 'vitest'
import { cursorOf, planTraining } from '../../../src/engine/train/plan.ts'
import { makeRecipe } from './bigram.ts'

describe('plan', () => {
  it('counts a smaller last micro-batch and a smaller last step of an epoch', () => {
    const plan = planTraining(makeRecipe({ duration: { epochs: 3 } }), 20, 5)
    expect(plan).toMatchObject({ microBatchesPerEpoch: 7, stepsPerEpoch: 4, totalSteps: 12 })
    expect(cursorOf(plan, 2, 3)).toEqual({ epoch: 0, firstBatch: 6, endBatch: 7 })
    expect(cursorOf(plan, 2, 4)).toEqual({ epoch: 1, firstBatch: 0, endBatch: 2 })
  })
  it('takes parts of an epoch, and the lower of epochs and steps', () => {
    expect(planTraining(makeRecipe({ duration: { epochs: 0.5 } }), 20, 0).totalSteps).toBe(2)
    expect(planTraining(makeRecipe({ duration: { epochs: 0.01 } }), 20, 0).totalSteps).toBe(1)
    expect(planTraining(makeRecipe({ duration: { epochs: 9, maxSteps: 5 } }), 20, 0).totalSteps).toBe(5)
    expect(planTraining(makeRecipe({ duration: { epochs: 1, maxSteps: 5 } }), 20, 0).totalSteps).toBe(4)
  })
  it('measures about eight times a run, at least once an epoch, and not without rows', () => {
    const evaluateEverySteps = (epochs: number, trainRows: number, validationRows: number): number =>
      planTraining(makeRecipe({ duration: { epochs } }), trainRows, validationRows).evaluateEverySteps
    expect(evaluateEverySteps(2, 240, 9)).toBe(10)
    expect(evaluateEverySteps(30, 60, 9)).toBe(10)
    expect(evaluateEverySteps(1, 6, 9)).toBe(1)
    expect(evaluateEverySteps(2, 240, 0)).toBe(0)
  })
  it('does what the recipe says where it says so', () => {
    const recipe = makeRecipe({ evaluation: { everySteps: 3 }, schedule: { warmupShare: 0.1 } })
    const plan = planTraining(recipe, 600, 9)
    expect(plan.evaluateEverySteps).toBe(3)
    expect(plan.schedule).toEqual({ kind: 'cosine', totalSteps: 200, warmupSteps: 20 })
  })
  it('measures after shares of the steps, rounded up, and at the end', () => {
    const atSteps = (atShares: readonly number[], maxSteps: number) =>
      planTraining(
        makeRecipe({ evaluation: { atShares, everySteps: 2 }, duration: { epochs: 99, maxSteps } }),
        20,
        5,
      ).evaluateAtSteps
    expect(atSteps([1 / 9, 1 / 3, 1], 27)).toEqual([3, 9, 27])
    expect(atSteps([1 / 9, 1 / 3], 20)).toEqual([3, 7, 20])
    // A third of three steps is one of them, whatever 1/3 is in binary.
    expect(atSteps([0.1, 1 / 3, 2 / 3], 3)).toEqual([1, 2, 3])
    expect(planTraining(makeRecipe({}), 20, 5).evaluateAtSteps).toBeNull()
  })
})

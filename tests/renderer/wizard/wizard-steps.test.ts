import { describe, expect, it } from 'vitest'
import { makeDraftSaver } from '#renderer/features/wizard/draft-saver.ts'
import { freeName } from '#renderer/features/wizard/free-name.ts'
import { canOpen, nextStep, wizardSteps } from '#renderer/features/wizard/wizard-steps.ts'

describe('steps of the wizard', () => {
  it('opens the model after the rows, and the rest after the model', () => {
    const fresh = { step: 'goal', modelId: null } as const
    expect(wizardSteps.filter((step) => canOpen(step, fresh))).toEqual(['goal', 'data'])
    expect(wizardSteps.filter((step) => canOpen(step, { step: 'model', modelId: null }))).toEqual([
      'goal',
      'data',
      'model',
    ])
    expect(wizardSteps.filter((step) => canOpen(step, { step: 'data', modelId: 'm' }))).toEqual(wizardSteps)
  })

  it('goes on where the project stopped, or at the last step that can be opened', () => {
    expect(nextStep({ step: 'plan', modelId: 'm' })).toBe('plan')
    expect(nextStep({ step: 'plan', modelId: null })).toBe('model')
    expect(nextStep({ step: 'goal', modelId: null })).toBe('data')
  })
})

describe('the name of a new project', () => {
  it('is the first that is free', () => {
    expect(freeName('Sort texts', ['Other'])).toBe('Sort texts')
    expect(freeName('Sort texts', ['sort texts', 'Sort texts 2'])).toBe('Sort texts 3')
  })
})

describe('keeping the draft', () => {
  it('saves one at a time and the newest last', async () => {
    let newest = 0
    let running = 0
    const kept: number[] = []
    const saver = makeDraftSaver(async () => {
      running += 1
      expect(running).toBe(1)
      const value = newest
      await Promise.resolve()
      kept.push(value)
      running -= 1
      return true
    })
    const saves: Promise<boolean>[] = []
    for (newest = 1; newest < 4; newest++) saves.push(saver.save())
    newest = 4
    expect(saver.isBusy()).toBe(true)
    expect(await Promise.all(saves)).toEqual([true, true, true])
    expect(kept).toEqual([1, 4])
    expect(saver.isBusy()).toBe(false)
  })

  it('says that the last try failed, and tries again with the next change', async () => {
    const answers = [false, true]
    const saver = makeDraftSaver(() => Promise.resolve(answers.shift() ?? true))
    expect(await saver.save()).toBe(false)
    expect(await saver.save()).toBe(true)
  })
})

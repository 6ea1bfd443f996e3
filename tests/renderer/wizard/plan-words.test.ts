import { describe, expect, it } from 'vitest'
import { aboutPlan, aboutPlans, changesWord, searchBehind } from '#renderer/features/wizard/plan-words.ts'
import { ownReasons, reasonWord } from '#renderer/features/wizard/recipe-form.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import { methodKinds } from '#shared/recipe.ts'
import { recipeFields } from '#shared/recipe-fields.ts'
import { sampleStudy } from '../studies/sample-study.ts'

const plan = (preset: 'quick' | 'balanced' | 'thorough', kind: string, epochs: number) => ({
  preset,
  values: { 'method.kind': kind, 'duration.epochs': epochs, reuseFrozenLayers: true },
})

const by = (trained: string, optimizer = 'adamw') => ({ trained, optimizer })

it('plans of a new last layer, which take the same time, say in what they differ', () => {
  const plans = [plan('quick', 'head', 5), plan('balanced', 'head', 30), plan('thorough', 'head', 100)]
  const about = plans.map(aboutPlan)
  expect(about[0]).toMatch(/goes over your rows 5 times\.$/)
  expect(about[1]).toMatch(/goes over your rows 30 times\.$/)
  expect(about[2]).toMatch(/goes over your rows 100 times\.$/)
  expect(aboutPlan(plan('quick', 'head', 1))).toMatch(/goes over your rows 1 time\.$/)
  expect(aboutPlans(plans)).toBe(wizard.plan.sentenceLayer)
})

it('other plans say what they are for', () => {
  const plans = [plan('quick', 'lora', 1), plan('balanced', 'head', 30)]
  expect(aboutPlan(plans[0]!)).toBe(wizard.plan.presets.quick.about)
  for (const some of [plans, []]) expect(aboutPlans(some)).toBe(wizard.plan.sentence)
})

it('a setting’s reason is one of what is trained, not an adapter’s', () => {
  for (const kind of ['head', 'lora-head', 'full', 'full-head'])
    for (const path of ['method.kind', 'optimizer.learningRate'])
      expect(reasonWord(path, by(kind)), `${path} of ${kind}`).not.toBe(reasonWord(path, by('lora')))
  expect(reasonWord('optimizer.learningRate', by('head'))).toMatch(/^0\.01 /)
  expect(reasonWord('duration.epochs', by('head'))).not.toContain('Three times')
  expect(reasonWord('seed', by('head'))).toBe(reasonWord('seed', by('lora')))
})

it('a rate’s reason is that of the optimizer whose rate it is', () => {
  const reasons = ['adamw', 'lion', 'sgd'].map((kind) =>
    reasonWord('optimizer.learningRate', by('lora', kind)),
  )
  expect(new Set(reasons).size).toBe(3)
  expect(reasons[1]).toContain('Lion')
  expect(reasonWord('seed', by('lora', 'lion'))).toBe(reasonWord('seed', by('lora')))
})

it('names kinds and settings that there are', () => {
  const paths = recipeFields.map(({ path }) => path)
  for (const [kind, reasons] of Object.entries(ownReasons)) {
    expect(methodKinds).toContain(kind)
    for (const path of Object.keys(reasons)) expect(paths).toContain(path)
  }
})

it('a device chosen for one run is not explained as that of the settings', () => {
  expect(reasonWord('device', by('lora'), 'cpu')).toContain('Chosen by you')
  expect(reasonWord('device', by('lora'), null)).toContain('What the settings say')
})

it('a plan whose steps are limited promises no passes that it may never make', () => {
  const limited = (kind: string) => {
    const { preset, values } = plan('balanced', kind, 30)
    return aboutPlan({ preset, values: { ...values, 'duration.maxSteps': 12 } })
  }
  for (const kind of ['head', 'lora']) {
    expect(limited(kind)).toMatch(/It ends after 12 steps at the latest\.$/)
    expect(limited(kind)).not.toContain('30 times')
  }
})

describe('settings that differ from the preset', () => {
  it('are counted against it by its name', () => {
    expect(changesWord({ preset: 'balanced', count: 2 })).toBe('2 settings differ from “Balanced”')
  })

  const { study } = sampleStudy({ search: 12 })
  const settings = study.best?.settings ?? {}
  it('are those of a search where all that it found stands in the plan', () => {
    const changes = { 'optimizer.learningRate': settings['optimizer.learningRate'] ?? null }
    const values = { ...settings, seed: 42 }
    // Bug: what nobody had checked was told as what was.
    const told = (mean: { lossNats: number; seeds: number } | null) =>
      searchBehind([{ ...study, best: study.best && { ...study.best, mean } }], { values, changes })?.text
    expect(told({ lossNats: 0.57, seeds: 3 })).toMatch(/^From the search “Night search”: its trial \d+$/)
    expect(told(null)).toMatch(/its trial \d+, not checked with other seeds$/)
    expect(searchBehind([study], { values: { ...values, 'method.rank': 7 }, changes })).toBe(null)
    // The preset itself, which the search may find best too.
    expect(searchBehind([study], { values, changes: {} })).toBe(null)
    expect(searchBehind([{ ...study, best: null }], { values, changes })).toBe(null)
  })
})

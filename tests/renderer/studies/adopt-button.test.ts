// A search that was stopped had a green button that made the plan of what nobody had checked.
import { expect, it } from 'vitest'
import { adoptButton } from '#renderer/features/studies/adopt-button.ts'
import { sampleStudy } from './sample-study.ts'

it('says where what was found was not checked, and is then not the first thing to do', () => {
  const { study } = sampleStudy({ search: 12 })
  const { best } = study
  if (best === null) throw new Error('nothing was found')
  const checked = { ...study, best: { ...best, mean: { lossNats: 0.57, seeds: 3 } } }
  const unchecked = { ...study, best: { ...best, mean: null } }
  const said = (of: typeof study) => adoptButton({ study: of })
  expect(said({ ...checked, status: 'finished' })).toEqual({ text: 'Make this the recipe', isFirst: true })
  expect(said({ ...checked, status: 'running' }).isFirst).toBe(false)
  for (const status of ['finished', 'stopped', 'running'] as const)
    expect(said({ ...unchecked, status })).toEqual({
      text: 'Make this the recipe (not checked)',
      isFirst: false,
    })
})

// The page of a proof hears how its run stands: "The run is still under way" stayed there after the run had ended.
import { expect, it } from 'vitest'
import { openTestPage } from './support/page.ts'

const page = openTestPage({})
const { whenRunChanges } = await import('#renderer/features/proof/run-changes.ts')

const state = {
  ...{ phase: 'training', step: 0, totalSteps: 9, doneShare: 0, timeLeftMs: null, workedMs: null },
  ...{ spanMs: null, tokensPerSecond: null, bestStep: null, diagnoses: [], headSeq: 0 },
  device: { processorShare: null, residentBytes: null, memoryBytes: 1, diskBytes: 0, energyWh: null },
}
const nothing = { train: [], validation: [], samples: [], notices: [] }

it('hears that its run ends, not of each step and not of other runs', () => {
  let heard = 0
  const stop = whenRunChanges('mine', () => {
    heard += 1
  })
  const update = (runId: string, status: string): number => {
    page.tell('training.update', { state: { ...state, runId, status }, ...nothing })
    return heard
  }
  expect([update('mine', 'running'), update('mine', 'running'), update('other', 'finished')]).toEqual([
    1, 1, 1,
  ])
  expect(update('mine', 'finished')).toBe(2)
  page.tell('experiments.changed', { runId: 'other' })
  page.tell('experiments.changed', { runId: 'mine' })
  expect(heard).toBe(3)
  stop()
  expect(update('mine', 'running')).toBe(3)
})

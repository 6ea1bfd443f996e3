// What a terminal says of a trial at work, and of one that a full disk holds.
import { expect, test } from 'vitest'
import { createTrialTeller } from '../../src/cli/study-progress.ts'
import { heldForDisk } from '../../src/core/training/run-supervisor.ts'

test('a trial that a full disk holds is said to wait, and its step is not told again until it goes on', () => {
  const said: string[] = []
  const tell = createTrialTeller(
    (text) => said.push(text),
    ({ step }) => `step ${step}`,
  )
  const at = (step: number, notices: string[] = [], status = 'running' as const) =>
    tell({
      state: { runId: 'run-1', status, step, totalSteps: 120 },
      notices: notices.map((text) => ({ atMs: 1, text })),
    })
  at(18)
  at(19, ['It trains with one thread.'])
  at(19, [`${heldForDisk}The disk is full.`])
  at(19)
  at(19)
  at(20)
  at(20)
  expect(said).toEqual(['step 18', 'step 19', `${heldForDisk}The disk is full.`, 'step 20', 'step 20'])
  tell({ state: { runId: 'run-1', status: 'paused', step: 21, totalSteps: 120 }, notices: [] })
  expect(said).toHaveLength(5)
})

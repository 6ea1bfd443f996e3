// What an entry of the timeline says was tried: settings that a person changed, not how a search measures its trials.
import { expect, it } from 'vitest'
import { triedLines } from '#renderer/features/experiments/timeline-lines.ts'
import { experiments } from '#renderer/words/en/experiments.ts'
import type { TimelineEntry } from '#shared/contract/results.ts'

type Change = TimelineEntry['changes'][number]
const change = (path: string, ...values: Change['values']): Change => ({ path, values, isDifferent: true })
const entry = (changes: Change[]): TimelineEntry => ({
  ...{ kind: 'run', id: 'run-2', title: 'Second', projectId: 'p', projectName: 'P', atMs: 1, words: '' },
  ...{ beside: { runId: 'run-1', name: 'First' }, isOtherData: false, isOtherModel: false },
  ...{ searched: [], learned: [], changes },
})

it('says once and in words that one of both was measured as the trials of a search are', () => {
  // Bug to guard against: raw paths of what nobody had changed.
  const { changes } = triedLines(
    entry([
      change('method.rank', 8, 16),
      change('evaluation.atShares', null, [1 / 9, 1 / 3, 1]),
      change('evaluation.patience', 3, null),
      change('checkpoints.keepLast', 3, 1),
    ]),
  )
  expect(changes).toHaveLength(2)
  expect(changes[0]).toMatch(/8 → 16$/)
  expect(changes[1]).toBe(experiments.timeline.measured)
  expect(changes.join(' ')).not.toMatch(/evaluation|checkpoints/)
})

it('says what a person changed of how it is measured', () => {
  const { changes } = triedLines(entry([change('evaluation.patience', 3, null)]))
  expect(changes).toHaveLength(1)
  expect(changes[0]).not.toBe(experiments.timeline.measured)
})

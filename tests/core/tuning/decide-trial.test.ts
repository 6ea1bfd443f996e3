// What comes next once the search is over: only what confirms, and of one point of the search alone.
import { expect, test } from 'vitest'
import { decideTrial, type StudyState } from '#core/tuning/decide-trial.ts'
import { progressOf } from '#core/tuning/study-budget.ts'
import type { StudyTrial } from '#shared/study.ts'
import { recordedTrial, recordedWork } from './recorded-trials.ts'
import { specOf } from './scripted-studies.ts'

const minute = 60_000
const spec = specOf({ confirmSeeds: 3, budget: { trials: null, workMs: 120 * minute, untilMs: null } })

function stateOf(trials: readonly StudyTrial[]): StudyState {
  const workedMs = trials.reduce((sum, { work }) => sum + (work?.durationMs ?? 0), 0)
  const times = { startedAtMs: 0, workedMs, nowMs: workedMs }
  return { spec, trials, endedBefore: 0, schedule: null, ...times }
}

const lasting = (minutes: number, changes: Partial<StudyTrial>): Partial<StudyTrial> => ({
  work: recordedWork({ durationMs: minutes * minute }),
  ...changes,
})

test('a search whose finding is being confirmed is over, however fast the runs that confirm are', () => {
  // Bug: they counted for how long a trial takes, so less was kept, and the search went on in their midst.
  const minutes = { search: 10, preset: 3, winner: 2 }
  const trials: StudyTrial[] = []
  for (;;) {
    const next = decideTrial(stateOf(trials))
    if (next.kind !== 'trial') {
      expect(next).toMatchObject({ kind: 'end', status: 'finished' })
      break
    }
    const { number, purpose, settings, seed } = next.trial
    const lossNats = purpose === 'search' ? 2 - number / 10 : 1
    const work = lasting(minutes[purpose], { purpose, settings, seed, lossNats })
    trials.push(recordedTrial(number, work))
  }
  const pair = ['preset', 'winner']
  expect(trials.map(({ purpose }) => purpose)).toEqual([
    ...Array.from({ length: trials.length - 6 }, () => 'search'),
    ...[...pair, ...pair, ...pair],
  ])
})

const settings = (rate: number): StudyTrial['settings'] => ({ 'optimizer.learningRate': rate })
const [plan, first, second] = [{}, settings(0.001), settings(0.002)]

/** As an earlier version left it: a second search trial, the better one, in the midst of the runs that confirm. */
const reopened = [
  recordedTrial(0, lasting(10, { settings: first, lossNats: 1.2 })),
  recordedTrial(1, lasting(3, { purpose: 'preset', settings: plan, seed: 43, lossNats: 1.5 })),
  recordedTrial(2, lasting(2, { purpose: 'winner', settings: first, seed: 43, lossNats: 1.3 })),
  recordedTrial(3, lasting(10, { settings: second, lossNats: 1.1 })),
]

test('of a search that an earlier version reopened the best point is confirmed with every seed', () => {
  const base = spec.base.seed
  const trials = reopened.map((one) => (one.seed === 43 ? { ...one, seed: (base + 1) % 2 ** 32 } : one))
  const made: StudyTrial[] = [...trials]
  for (;;) {
    const next = decideTrial(stateOf(made))
    if (next.kind !== 'trial') break
    const { number, purpose, settings: own, seed } = next.trial
    made.push(recordedTrial(number, lasting(3, { purpose, settings: own, seed, lossNats: 1.4 })))
  }
  const added = made.slice(trials.length).map((one) => [one.purpose, one.settings, one.seed - base])
  expect(added).toEqual([
    ['winner', second, 1],
    ['preset', plan, 2],
    ['winner', second, 2],
    ['preset', plan, 3],
    ['winner', second, 3],
  ])
  // The run that confirmed the other point is none of the six.
  expect(progressOf(stateOf(made)).timeLeftMs).toBe(spec.budget.workMs! - stateOf(made).workedMs)
})

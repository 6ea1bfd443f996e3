// What is read of a trial's run: losses at rungs, the lowest one, time at work over attempts, what was reused.
import { expect, test } from 'vitest'
import { factsOf } from '#core/tuning/trial-facts.ts'
import type { JournalEvent } from '#shared/journal-types.ts'

let seq = 0
const event = (attempt: number, atMs: number, kind: string, body: unknown): JournalEvent => {
  seq += 1
  return { seq, attempt, atMs, kind, body: body as JournalEvent['body'], hash: 'a'.repeat(64) }
}
const plan = (attempt: number, atMs: number, more: object = {}) =>
  event(attempt, atMs, 'plan', { totalSteps: 20, ...more })
const measured = (attempt: number, atMs: number, step: number, lossNats: number) =>
  event(attempt, atMs, 'evaluation', { step, lossNats, durationMs: 10 })
const rungs = [
  { share: 1 / 9, aboveNats: null },
  { share: 1 / 3, aboveNats: 2 },
]

test('a rung has the lowest loss up to its step, rounded up; the last of two measurements of a step counts', () => {
  const events = [
    plan(1, 0),
    measured(1, 1000, 0, 3),
    measured(1, 2000, 3, 3.5),
    measured(1, 3000, 7, 9),
    plan(2, 50_000),
    measured(2, 51_000, 7, 1.5),
    measured(2, 52_000, 20, 1.7),
  ]
  expect(factsOf(events, rungs, 42)).toMatchObject({
    lossNats: 1.5,
    lossStep: 7,
    rungLosses: [
      { share: 1 / 9, lossNats: 3.5 },
      { share: 1 / 3, lossNats: 1.5 },
    ],
    work: { plannedSteps: 20, tunedBytes: 42 },
  })
})

test('a rung that it did not come to has no loss; shares are of the second stage', () => {
  const events = [
    plan(1, 0, { totalSteps: 30, before: { steps: 10 } }),
    measured(1, 1000, 10, 3),
    measured(1, 2000, 13, 2),
  ]
  expect(factsOf(events, rungs, null).rungLosses).toEqual([{ share: 1 / 9, lossNats: 2 }])
})

test('time at work leaves out pauses, the time between attempts, and sleep', () => {
  const events = [
    plan(1, 0),
    event(1, 5_000, 'step', { step: 1, durationMs: 4000 }),
    event(1, 6_000, 'paused', { step: 1, problem: null }),
    event(1, 3_600_000, 'resumed', { step: 1 }),
    event(1, 3_604_000, 'step', { step: 2, durationMs: 4000 }),
    plan(2, 9_000_000),
    // The computer slept for hours within a step of four seconds.
    event(2, 99_000_000, 'step', { step: 3, durationMs: 4000 }),
  ]
  expect(factsOf(events, [], null).work).toMatchObject({ durationMs: 6_000 + 4_000 + 4_000, steps: 3 })
})

test('what was reused is summed over attempts', () => {
  const reused = { isModelReused: true, graphsReused: 2, frozenRowsReused: 5, frozenRowsComputed: 1 }
  const events = [
    plan(1, 0),
    event(1, 1, 'reused', reused),
    event(2, 2, 'reused', { ...reused, isModelReused: false }),
  ]
  expect(factsOf(events, [], null).work).toMatchObject({
    isModelReused: true,
    graphsReused: 4,
    frozenRowsReused: 10,
    frozenRowsComputed: 2,
    peakResidentBytes: null,
  })
})

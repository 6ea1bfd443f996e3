import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createTimeLeft } from '#core/training/time-left.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'

const plan: TrainerEvent = {
  kind: 'plan',
  totalSteps: 40,
  stepsPerEpoch: 10,
  evaluateEverySteps: 10,
  trainRows: 80,
  validationRows: 10,
  trainableParameters: 1,
  leftOut: [],
  resumedAtStep: 0,
  determinism: 'bit-exact on this machine',
  backend: 'test',
}
const step = (number: number, durationMs: number): TrainerEvent => ({
  kind: 'step',
  step: number,
  epoch: 0,
  lossNats: 1,
  gradNorm: 1,
  learningRate: 1,
  labelledTokens: 1,
  tokensSeen: 1,
  durationMs,
})
const evaluation = (number: number, durationMs: number): TrainerEvent => ({
  kind: 'evaluation',
  step: number,
  lossNats: 1,
  labelledTokens: 1,
  isBest: true,
  durationMs,
})
const phase = (name: 'training' | 'evaluating' | 'saving'): TrainerEvent => ({
  kind: 'phase',
  phase: name,
  detail: '',
})

/** A time left with a clock of its own: each event comes so many milliseconds after the one before. */
function clocked() {
  let ms = 0
  const left = createTimeLeft(() => ms)
  return {
    left,
    after(elapsedMs: number, event: TrainerEvent): void {
      ms += elapsedMs
      left.follow(event)
    },
    wait(elapsedMs: number): void {
      ms += elapsedMs
    },
    /** Steps of 100 ms. */
    steps(from: number, to: number): void {
      for (let number = from; number <= to; number += 1) this.after(100, step(number, 100))
    },
  }
}

test('nothing is promised before the first step', () => {
  const { left, after } = clocked()
  expect(left.estimateMs()).toBeNull()
  after(0, plan)
  expect(left.estimateMs()).toBeNull()
})

test('steps, measurements and savings that are left are counted with what they took', () => {
  const run = clocked()
  run.after(0, plan)
  run.after(0, phase('evaluating'))
  run.after(60, evaluation(0, 50))
  run.after(0, phase('training'))
  run.steps(1, 10)
  run.after(0, phase('evaluating'))
  run.after(60, evaluation(10, 50))
  run.after(0, phase('saving'))
  run.after(20, { kind: 'checkpoint', step: 10, folder: 'a', manifestSha256: 'b', bytes: 1 })
  run.after(0, phase('training'))
  // Three breaks of (60 + 80) / 2, and the last state and the adapter to be written.
  expect(run.left.estimateMs()).toBeCloseTo(30 * 100 + 3 * 70 + 2 * 20, 6)
  run.wait(50)
  expect(run.left.estimateMs()).toBeCloseTo(30 * 100 + 3 * 70 + 2 * 20 - 50, 6)
  expect(run.left.doneShare()).toBe(0.25)
})

test('sample answers count by their share of the time between measurements, and once more at the end', () => {
  const run = clocked()
  const measure = (number: number): void => {
    run.after(0, phase('evaluating'))
    run.after(60, evaluation(number, 50))
    run.after(40, { kind: 'samples', step: number, answers: [], durationMs: 40 })
  }
  run.after(0, plan)
  measure(0)
  run.after(0, phase('training'))
  run.steps(1, 10)
  measure(10)
  run.after(0, phase('training'))
  // Those of step 10 came in 1000 ms of training; those of step 0 come before any.
  expect(run.left.estimateMs()).toBeCloseTo(30 * 100 * (1 + 40 / 1000) + 3 * 60 + 40, 6)
  run.steps(11, 40)
  measure(40)
  expect(run.left.estimateMs()).toBeCloseTo(0, 6)
})

test('what a step takes besides its own work is seen by the clock', () => {
  const run = clocked()
  run.after(0, { ...plan, validationRows: 0, evaluateEverySteps: 0 } as TrainerEvent)
  run.after(0, phase('training'))
  for (let number = 1; number <= 20; number += 1) run.after(120, step(number, 100))
  expect(run.left.estimateMs()).toBeCloseTo(20 * 120, 6)
})

test('a pause is no part of the work, and what was done before it still counts', () => {
  const run = clocked()
  run.after(0, { ...plan, validationRows: 0, evaluateEverySteps: 0 } as TrainerEvent)
  run.after(0, phase('training'))
  run.steps(1, 20)
  run.after(0, { kind: 'paused', step: 20, problem: null })
  run.after(60_000, { kind: 'resumed', step: 20 })
  run.after(0, phase('training'))
  expect(run.left.estimateMs()).toBeCloseTo(20 * 100, 6)
})

test('a run without validation rows has a time left too (it was NaN)', () => {
  const run = clocked()
  run.after(0, { ...plan, validationRows: 0, evaluateEverySteps: 0 } as TrainerEvent)
  run.after(0, phase('training'))
  run.steps(1, 1)
  expect(run.left.estimateMs()).toBeCloseTo(39 * 100, 6)
})

test('measurements at shares of the run are counted one by one', () => {
  const run = clocked()
  run.after(0, { ...plan, evaluateEverySteps: 13, evaluateAtSteps: [5, 14, 40] } as TrainerEvent)
  const measure = (at: number) => {
    run.after(0, phase('evaluating'))
    run.after(60, evaluation(at, 60))
    run.after(0, phase('training'))
  }
  measure(0)
  run.steps(1, 5)
  measure(5)
  expect(run.left.estimateMs()).toBeCloseTo(35 * 100 + 2 * 60, 6)
  run.steps(6, 14)
  measure(14)
  expect(run.left.estimateMs()).toBeCloseTo(26 * 100 + 60, 6)
})

test('a resumed run counts only what it still has to do', () => {
  const run = clocked()
  run.after(0, { ...plan, resumedAtStep: 30 } as TrainerEvent)
  run.after(0, phase('training'))
  run.steps(31, 31)
  expect(run.left.estimateMs()).toBeCloseTo(9 * 100, 6)
})

describe('a run of two stages', () => {
  /** 20 steps of texts, each of three times as many tokens as one of the 20 of rows, measured before, between and after. */
  const stages = {
    ...plan,
    totalSteps: 40,
    before: { steps: 20, stepsPerEpoch: 10, trainRows: 80, stepWork: 3 },
  } as TrainerEvent
  const second = 20 * 100
  // A measurement of 10 rows takes half of what a step of as many rows takes: 8 rows in 100 ms.
  const reckonedMs = (100 * 10 * 10) / (2 * 80)

  test('counts both from its first steps on, each by its tokens', () => {
    const run = clocked()
    run.after(0, stages)
    run.after(0, phase('training'))
    for (let number = 1; number <= 10; number += 1) run.after(300, step(number, 300))
    expect(run.left.estimateMs()).toBeCloseTo(10 * 300 + second + 3 * reckonedMs, 6)
    expect(run.left.doneShare()).toBe(0.25)
  })

  test('goes by the second stage as soon as that has a step, and the change of stage is no part of the steps', () => {
    const run = clocked()
    run.after(0, stages)
    run.after(0, phase('training'))
    for (let number = 1; number <= 20; number += 1) run.after(300, step(number, 300))
    run.after(0, { kind: 'phase', phase: 'preparing', detail: 'opening the second stage' })
    run.after(5000, phase('evaluating'))
    run.after(60, evaluation(20, 50))
    run.after(0, phase('training'))
    // What was measured counts as no more than it should take; two more follow.
    expect(run.left.estimateMs()).toBeCloseTo(second + 2 * 60, 6)
    run.after(140, step(21, 140))
    const breakMs = 60 - Math.max(0, 50 - 1.4 * reckonedMs)
    expect(run.left.estimateMs()).toBeCloseTo(19 * 140 + 2 * breakMs, 6)
  })

  test('resumed in its second stage counts that one only', () => {
    const run = clocked()
    run.after(0, { ...stages, resumedAtStep: 30 } as TrainerEvent)
    run.after(0, phase('training'))
    run.steps(31, 31)
    expect(run.left.estimateMs()).toBeCloseTo(9 * 100, 6)
  })
})

// ---- recorded runs (docs/training.md) ------------------------------------------------------------------------------

interface Recording {
  readonly disturbed: boolean
  readonly endedMs: number
  readonly events: readonly (readonly [ms: number, event: TrainerEvent])[]
}
const folder = new URL('../../golden/time-left/', import.meta.url)
const recordings = readdirSync(folder).map((file) => ({
  name: file.replace('.json', ''),
  ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recording),
}))

/** An estimate is right within a fifth of what was really left, or within this. */
const floorMs = 3000

/** What was told after the first tenth of the steps, at each moment at which something was told. */
function replay({ events, endedMs }: Recording) {
  let clock = 0
  const left = createTimeLeft(() => clock)
  const moments: { atMs: number; estimateMs: number; trueMs: number; isRight: boolean }[] = []
  events.forEach(([ms, event], i) => {
    clock = ms
    left.follow(event)
    const isLastOfBatch = events[i + 1]?.[0] !== ms
    if (!isLastOfBatch || left.doneShare() < 0.1 || event.kind === 'finished') return
    const estimateMs = left.estimateMs() ?? Number.NaN
    const trueMs = endedMs - ms
    const isRight = Math.abs(estimateMs - trueMs) <= Math.max(0.2 * trueMs, floorMs)
    moments.push({ atMs: ms, estimateMs, trueMs, isRight })
  })
  return moments
}

const reasonOf = ({ events }: Recording): string => {
  const last = events.at(-1)?.[1]
  return last?.kind === 'finished' ? last.reason : 'none'
}
const undisturbed = recordings.filter((run) => !run.disturbed && reasonOf(run) === 'completed')
const disturbed = recordings.filter((run) => run.disturbed)
const stoppedEarly = recordings.filter((run) => reasonOf(run) === 'stopped-early')

describe('recorded runs', () => {
  test('there are at least eight that nothing disturbed, and some of each other kind', () => {
    expect(undisturbed.length).toBeGreaterThanOrEqual(8)
    expect(disturbed.length).toBeGreaterThan(0)
    expect(stoppedEarly.length).toBeGreaterThan(0)
  })

  test.each(undisturbed)('$name: the time left is right at every moment after the first tenth', (run) => {
    expect(replay(run).filter(({ isRight }) => !isRight)).toEqual([])
  })

  test('where other programs were in the way in the middle, the end of the run is told right again', () => {
    for (const run of disturbed) {
      const late = replay(run).filter(({ trueMs }) => trueMs < 0.1 * run.endedMs)
      expect(late.filter(({ isRight }) => !isRight)).toEqual([])
    }
  })

  test('a run that stops by itself took no longer than was said', () => {
    for (const run of stoppedEarly)
      for (const { estimateMs, trueMs } of replay(run)) expect(estimateMs).toBeGreaterThan(0.8 * trueMs)
  })
})

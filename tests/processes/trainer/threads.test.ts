// The small parts between the trainer's two threads: the shared word of commands, and the heart.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createControl, obey, obeyControl, steer } from '../../../src/processes/trainer/control.ts'
import { createHeart, type Heart } from '../../../src/processes/trainer/heart.ts'
import { firstLimitMs, type Phase, silenceLimitMs } from '../../../src/processes/trainer/silence-limit.ts'
import type { TrainerEventOf } from '../../../src/shared/trainer-protocol.ts'

describe('control', () => {
  it('passes pause, resume and cancel on, and cancel is final', async () => {
    const control = createControl()
    const { nextCommand } = obeyControl(control)
    expect(await nextCommand()).toBe('continue')
    steer(control, 'pause')
    expect(await nextCommand()).toBe('pause')
    steer(control, 'resume')
    expect(await nextCommand()).toBe('continue')
    steer(control, 'cancel')
    for (const command of ['resume', 'pause'] as const) {
      steer(control, command)
      expect(await nextCommand()).toBe('cancel')
    }
  })
  it('how far the journal holds the run is known beside any command', async () => {
    const control = createControl()
    const { journaledStep, nextCommand } = obeyControl(control)
    expect(journaledStep()).toBe(0)
    obey(control, { kind: 'pause' })
    obey(control, { kind: 'journaled', step: 12 })
    expect([journaledStep(), await nextCommand()]).toEqual([12, 'pause'])
  })
  it('a resume that came before the waiting began is not lost', async () => {
    const control = createControl()
    steer(control, 'pause')
    steer(control, 'resume')
    expect(await obeyControl(control).waitWhilePaused()).toBe('resume')
  })
  it('a run that holds itself waits for a resume that comes later', async () => {
    const control = createControl()
    const { holdYourself, waitWhilePaused } = obeyControl(control)
    steer(control, 'resume')
    holdYourself()
    let answer = 'none yet'
    const waiting = waitWhilePaused().then((word) => {
      answer = word
    })
    await new Promise((resolve) => setTimeout(resolve, 120))
    expect(answer).toBe('none yet')
    steer(control, 'resume')
    await waiting
    expect(answer).toBe('resume')
  })
  it('a cancel ends the waiting', async () => {
    const control = createControl()
    const { holdYourself, waitWhilePaused } = obeyControl(control)
    holdYourself()
    steer(control, 'cancel')
    expect(await waitWhilePaused()).toBe('cancel')
  })
})

describe('heart', () => {
  let nowMs: number
  let beats: TrainerEventOf<'heartbeat'>[]
  let heart: Heart
  beforeEach(() => {
    vi.useFakeTimers()
    nowMs = 0
    beats = []
    heart = createHeart(
      (event) => beats.push(event),
      () => nowMs,
    )
  })
  afterEach(() => {
    heart.stop()
    vi.useRealTimers()
  })
  /** Lets so many seconds pass, in steps of one. */
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      nowMs += 1000
      vi.advanceTimersByTime(1000)
    }
  }

  it('beats at once and then each second, with step and phase of the events that pass', () => {
    expect(beats).toMatchObject([{ kind: 'heartbeat', step: 0, phase: 'loading' }])
    heart.follow({ kind: 'phase', phase: 'training', detail: '' })
    heart.follow({ kind: 'resumed', step: 7 })
    pass(3)
    expect(beats).toHaveLength(4)
    expect(beats[3]!.phase).toBe('training')
    expect(beats[3]!.residentBytes).toBeGreaterThan(0)
  })
  /** A stretch of so many seconds in a phase, from one sign of life to the next. */
  const spend = (phase: Phase, seconds: number) => {
    heart.hear()
    heart.follow({ kind: 'phase', phase, detail: '' })
    pass(seconds)
    heart.hear()
    beats.length = 0
  }

  it('goes on through micro-batches of minutes, the first one too', () => {
    heart.follow({ kind: 'phase', phase: 'training', detail: '' })
    for (let batch = 0; batch < 3; batch += 1) {
      pass(600)
      heart.hear()
    }
    expect(beats).toHaveLength(1801)
  })
  it('a hang in what was never done before is given a quarter of an hour', () => {
    spend('loading', 2)
    heart.follow({ kind: 'phase', phase: 'preparing', detail: '' })
    pass(2000)
    expect(beats).toHaveLength(900)
  })
  it('starting the thread does not count as having loaded', () => {
    pass(3)
    heart.hear()
    heart.follow({ kind: 'phase', phase: 'loading', detail: '' })
    beats.length = 0
    pass(2000)
    expect(beats).toHaveLength(900)
  })
  it('once a micro-batch was seen a hang is noticed within a minute', () => {
    spend('training', 2)
    pass(2000)
    expect(beats).toHaveLength(60)
  })
  it('gives a slow run twenty times its longest silence', () => {
    spend('training', 100)
    pass(5000)
    expect(beats).toHaveLength(2000)
  })
  it('a long pause does not make the run look slow', () => {
    spend('training', 2)
    heart.follow({ kind: 'paused', step: 1, problem: null })
    pass(5000)
    spend('training', 2)
    pass(2000)
    expect(beats).toHaveLength(60)
  })
  it('goes on for as long as a pause lasts', () => {
    heart.follow({ kind: 'paused', step: 1, problem: null })
    pass(5000)
    expect(beats).toHaveLength(5001)
  })
  it('does not take a night with a closed lid for a hang', () => {
    pass(10)
    nowMs += 8 * 3600 * 1000
    pass(100)
    expect(beats).toHaveLength(111)
  })
  it('does not take a night with a closed lid for a slow micro-batch', () => {
    spend('training', 2)
    nowMs += 8 * 3600 * 1000
    heart.hear()
    pass(2000)
    expect(beats).toHaveLength(60)
  })
})

describe('how long the numerics thread may be silent', () => {
  const limitMs = (phase: Phase, ...slowest: [Phase, number][]) => silenceLimitMs(new Map(slowest), phase)
  it('a quarter of an hour for what this run has not done yet, whatever else it has', () => {
    expect(limitMs('loading')).toBe(firstLimitMs)
    expect(limitMs('saving', ['training', 100_000])).toBe(firstLimitMs)
    expect(firstLimitMs).toBe(900_000)
  })
  it('then twenty times the slowest stretch of any phase, and at least a minute', () => {
    expect(limitMs('training', ['training', 10])).toBe(60_000)
    expect(limitMs('training', ['training', 3_000])).toBe(60_000)
    expect(limitMs('training', ['training', 3_001])).toBe(60_020)
    expect(limitMs('training', ['training', 10], ['evaluating', 30_000])).toBe(600_000)
    expect(limitMs('training', ['training', 90_000])).toBe(1_800_000)
  })
  it('a pause lasts as long as it lasts', () => {
    expect(limitMs('paused', ['training', 10])).toBe(Number.POSITIVE_INFINITY)
  })
})

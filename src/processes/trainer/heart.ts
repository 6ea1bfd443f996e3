// Heartbeats: one a second with step, phase and memory, as long as the numerics thread shows that it lives. When it has
// said nothing for longer than silence-limit.ts allows beating stops, and the watchdog outside sees a dead trainer.
import type { TrainerEvent, TrainerEventOf } from '#shared/trainer-protocol.ts'
import { type Phase, silenceLimitMs } from './silence-limit.ts'

const beatMs = 1_000
/** A look at the clock this late means that the computer slept: that time is nobody's silence. */
const sleepGapMs = 5_000

export interface Heart {
  /** The numerics thread said something; called before `follow` has the event that it said. */
  hear(): void
  /** An event passes by: it may tell step or phase. */
  follow(event: TrainerEvent): void
  stop(): void
}

export function createHeart(
  beat: (event: TrainerEventOf<'heartbeat'>) => void,
  nowMs: () => number = () => performance.now(),
): Heart {
  let step = 0
  /** Null until the numerics thread has named one: starting the thread says nothing about loading. */
  let phase: Phase | null = null
  let heardMs = nowMs()
  let lookedMs = heardMs
  const slowestMs = new Map<Phase, number>()
  const silenceMs = (): number => {
    const now = nowMs()
    if (now - lookedMs > sleepGapMs) heardMs += now - lookedMs
    lookedMs = now
    return now - heardMs
  }
  const tick = (): void => {
    const known = phase ?? 'loading'
    if (silenceMs() <= silenceLimitMs(slowestMs, known))
      beat({ kind: 'heartbeat', step, phase: known, residentBytes: process.memoryUsage.rss() })
  }
  const timer = setInterval(tick, beatMs)
  tick()
  return {
    hear() {
      const stretchMs = silenceMs()
      heardMs = lookedMs
      if (phase !== null && phase !== 'paused')
        slowestMs.set(phase, Math.max(stretchMs, slowestMs.get(phase) ?? 0))
    },
    follow(event) {
      if (event.kind === 'phase') phase = event.phase
      if (event.kind === 'paused') phase = 'paused'
      if (event.kind === 'plan') step = event.resumedAtStep
      if (event.kind === 'step') step = event.step
    },
    stop: () => clearInterval(timer),
  }
}

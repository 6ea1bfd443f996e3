// Heartbeats: one a second with step, phase and memory, as long as the numerics thread shows that it lives.
import type { TrainerEvent, TrainerEventOf } from '#shared/trainer-protocol.ts'

type Heartbeat = TrainerEventOf<'heartbeat'>

const beatMs = 1_000
/**
 * A micro-batch blocks the numerics thread for its whole length, so silence of that thread proves nothing at first.
 * Past a quarter of an hour, and past twenty times its longest silence so far, it counts as hung: beating stops, and
 * the watchdog outside sees a dead trainer.
 */
const patienceMs = 900_000
const patienceFactor = 20
/** A tick this late means that the computer slept: silence before it is nobody's fault. */
const sleepGapMs = 5_000

export interface Heart {
  /** The numerics thread said something. */
  hear(): void
  /** An event passes by: it may tell step or phase. */
  follow(event: TrainerEvent): void
  stop(): void
}

export function createHeart(
  beat: (event: Heartbeat) => void,
  nowMs: () => number = () => performance.now(),
): Heart {
  let step = 0
  let phase: Heartbeat['phase'] = 'loading'
  let heardMs = nowMs()
  let tickedMs = heardMs
  let longestSilenceMs = 0
  const tick = (): void => {
    if (nowMs() - tickedMs > sleepGapMs) heardMs = nowMs()
    tickedMs = nowMs()
    const silenceMs = nowMs() - heardMs
    if (phase !== 'paused' && silenceMs > Math.max(patienceMs, patienceFactor * longestSilenceMs)) return
    beat({ kind: 'heartbeat', step, phase, residentBytes: process.memoryUsage.rss() })
  }
  const timer = setInterval(tick, beatMs)
  tick()
  return {
    hear() {
      const silenceMs = nowMs() - heardMs
      if (phase !== 'paused') longestSilenceMs = Math.max(longestSilenceMs, silenceMs)
      heardMs = nowMs()
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

// Ends a core that says nothing any more, not even its heartbeat. Time in which the computer slept does not count.
import { coreHeartbeatMs } from '#shared/core-protocol.ts'

export interface SilenceWatch {
  heard(): void
  stop(): void
}

/** Opening and migrating a large journal, or a long write, may keep the core from beating. */
const silentLimitMs = 120_000
/** A tick this late means the computer slept. */
const sleepGapMs = 10_000

export function watchSilence(onSilent: () => void): SilenceWatch {
  let heardMs = Date.now()
  let watchedMs = heardMs
  const watch = setInterval(() => {
    const nowMs = Date.now()
    if (nowMs - watchedMs > sleepGapMs) heardMs = nowMs
    watchedMs = nowMs
    if (nowMs - heardMs > silentLimitMs) onSilent()
  }, coreHeartbeatMs)
  return {
    heard: () => {
      heardMs = Date.now()
    },
    stop: () => clearInterval(watch),
  }
}

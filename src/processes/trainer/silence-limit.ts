// How long the numerics thread may say nothing before it counts as hung. A graph blocks it for its whole length, so the
// limit follows what this run's own stretches took. Pure.
import type { TrainerEventOf } from '#shared/trainer-protocol.ts'

export type Phase = TrainerEventOf<'heartbeat'>['phase']

/** For what this run has not done yet: hashing a large model on a slow disk, compiling, the first micro-batch. */
export const firstLimitMs = 900_000
const leastLimitMs = 60_000
const slowestFactor = 20

/**
 * `slowestMs`: the longest stretch between two signs of life (a micro-batch, an evaluation batch, a save) in each phase
 * that this run has been through. The slowest of all phases counts: a phase may begin with its short rows.
 */
export function silenceLimitMs(slowestMs: ReadonlyMap<Phase, number>, phase: Phase): number {
  if (phase === 'paused') return Number.POSITIVE_INFINITY
  if (!slowestMs.has(phase)) return firstLimitMs
  return Math.max(leastLimitMs, slowestFactor * Math.max(...slowestMs.values()))
}

// What a screen shows of a run besides its curve: folded from events while it trains, read from the journal afterwards.
// Reads nothing but the size of this computer's memory.
import { totalmem } from 'node:os'
import type { Diagnosis, TrainingState } from '#shared/contract/index.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
import type { DiagnosisFold } from './run-diagnosis.ts'
import { createTimeLeft } from './time-left.ts'

export interface RunFold {
  follow(event: TrainerEvent, seq: number): void
  state(device: MeasuredDevice): TrainingState
}

/** What is measured outside the trainer. */
export type MeasuredDevice = Pick<TrainingState['device'], 'processorShare' | 'diskBytes' | 'energyWh'>

/** Steps that the speed is an average of. */
const speedSteps = 24

const runningPhase: Readonly<Record<string, string>> = { queued: 'loading', paused: 'paused' }

/** Folds the events of one attempt. */
export function createRunFold(run: RunDetail, diagnoses: DiagnosisFold): RunFold {
  const timeLeft = createTimeLeft()
  const recent: { tokens: number; ms: number }[] = []
  let lastTokens: number | null = null
  let residentBytes: number | null = null
  const state = {
    status: run.status,
    phase: runningPhase[run.status] ?? 'loading',
    step: run.lastStep ?? 0,
    totalSteps: run.totalSteps ?? 0,
    bestStep: run.bestStep,
    headSeq: run.headSeq,
  }

  function followStep(event: Extract<TrainerEvent, { kind: 'step' }>): void {
    state.step = event.step
    state.phase = 'training'
    if (lastTokens !== null && event.tokensSeen > lastTokens)
      recent.push({ tokens: event.tokensSeen - lastTokens, ms: event.durationMs })
    if (recent.length > speedSteps) recent.shift()
    lastTokens = event.tokensSeen
  }

  return {
    follow(event, seq) {
      timeLeft.follow(event)
      diagnoses.follow(event)
      state.headSeq = Math.max(state.headSeq, seq)
      if (event.kind === 'plan') {
        state.totalSteps = event.totalSteps
        state.step = event.resumedAtStep
        state.status = 'running'
      }
      if (event.kind === 'phase') state.phase = event.phase
      if (event.kind === 'step') followStep(event)
      if (event.kind === 'evaluation' && event.isBest) state.bestStep = event.step
      if (event.kind === 'heartbeat') residentBytes = event.residentBytes
      if (event.kind === 'paused') state.status = 'paused'
      if (event.kind === 'resumed') state.status = 'running'
    },
    state: (device) => ({
      runId: run.id,
      ...state,
      doneShare: timeLeft.doneShare(),
      timeLeftMs: state.status === 'paused' ? null : timeLeft.estimateMs(),
      ...{ workedMs: null, spanMs: null },
      tokensPerSecond: speedOf(recent),
      device: { ...device, residentBytes, memoryBytes: totalmem() },
      diagnoses: diagnoses.list(),
    }),
  }
}

function speedOf(recent: readonly { readonly tokens: number; readonly ms: number }[]): number | null {
  const ms = recent.reduce((sum, step) => sum + step.ms, 0)
  const tokens = recent.reduce((sum, step) => sum + step.tokens, 0)
  return ms <= 0 ? null : (tokens / ms) * 1000
}

export interface AtRest {
  readonly diskBytes: number
  readonly diagnoses: Diagnosis[]
  readonly workedMs: number
}

/** A run at rest, from the journal alone. */
export function stateAtRest(run: RunDetail, { diskBytes, diagnoses, workedMs }: AtRest): TrainingState {
  const step = run.lastStep ?? 0
  const totalSteps = run.totalSteps ?? 0
  const { startedAtMs, endedAtMs } = run
  return {
    runId: run.id,
    status: run.status,
    phase: run.status,
    step,
    totalSteps,
    doneShare: totalSteps === 0 ? 0 : Math.min(1, step / totalSteps),
    timeLeftMs: null,
    ...(startedAtMs === null || endedAtMs === null
      ? { workedMs: null, spanMs: null }
      : { workedMs, spanMs: endedAtMs - startedAtMs }),
    tokensPerSecond: null,
    bestStep: run.bestStep,
    device: {
      processorShare: null,
      residentBytes: null,
      memoryBytes: totalmem(),
      diskBytes,
      energyWh: null,
    },
    diagnoses,
    headSeq: run.headSeq,
  }
}

// Why something waits in the queue, and what goes on there, in plain sentences. Pure.
import type { QueueKind } from './run-queue-port.ts'

/** What stands directly ahead. */
export interface Ahead {
  readonly kind: QueueKind
  readonly name: string
  /** `running`: has the place; `paused`: has it and does nothing; `waiting`: goes before. */
  readonly state: 'running' | 'paused' | 'waiting'
  /** Of what must end first; null where not known. */
  readonly timeLeftMs: number | null
  /** The place is given back after the trial under way. */
  readonly isOneTrial: boolean
}

export const besideMeasurement =
  'This computer is being measured at the moment. It goes on by itself when that is done.'
export const withoutSpace =
  'The disk is full. It goes on by itself when there is space again: clear some in Settings, under Storage.'
export const whenOpen = 'It goes on by itself while Tunewright is open.'
export const aboutToBegin = 'It is about to begin.'

/** `others`: how many more stand before it. */
export function aheadSentence(ahead: Ahead, others: number): string {
  const more = others === 0 ? '' : `, and ${others} more ${others === 1 ? 'is' : 'are'} before it`
  return `${waitsFor(ahead)}${more}.`
}

function waitsFor({ kind, name, state, timeLeftMs, isOneTrial }: Ahead): string {
  const who = `the ${kind === 'study' ? 'search' : 'run'} “${name}”`
  if (state === 'paused') return `It waits for ${who}, which is paused: go on with that one, or stop it`
  if (state === 'waiting') return `It waits for ${who}, which goes first and waits itself`
  const what = isOneTrial ? `one trial of ${who}` : who
  const left = timeLeftMs === null ? 'how long that takes is not known yet' : `${aboutTime(timeLeftMs)} left`
  return `It waits for ${what}: ${left}`
}

/** "about 6 minutes". */
function aboutTime(ms: number): string {
  const minutes = ms / 60_000
  if (minutes < 1) return 'less than a minute'
  if (minutes < 90) return `about ${counted(Math.round(minutes), 'minute')}`
  const hours = minutes / 60
  return hours < 36
    ? `about ${counted(Math.round(hours), 'hour')}`
    : `about ${counted(Math.round(hours / 24), 'day')}`
}

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`

interface RunningRun {
  readonly status: string
  readonly step: number
  readonly totalSteps: number
}

export function runningSentence(run: RunningRun | null): string {
  if (run === null) return 'It is being started.'
  if (run.status === 'paused') return 'It is paused and keeps its place.'
  return run.totalSteps === 0
    ? 'The model and its rows are being loaded.'
    : `It learns: step ${run.step} of ${run.totalSteps}.`
}

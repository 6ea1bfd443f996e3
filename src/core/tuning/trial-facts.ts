// What came of a trial, from its run's events in the journal and nothing else: so a kill between the run's end and the
// trial's changes nothing. Pure.
import type { JournalEvent } from '#shared/journal-types.ts'
import type { PruneRung, StudyTrial, TrialWork } from '#shared/study.ts'
import { timeAtWork, type WorkEvent } from '#shared/time-at-work.ts'

export interface TrialFacts extends Pick<StudyTrial, 'lossNats' | 'lossStep' | 'rungLosses'> {
  readonly work: TrialWork
}

interface Measured {
  readonly step: number
  readonly lossNats: number
}

/** Where the run's rungs lie: shares are of the second stage where it has two. */
interface Plan {
  readonly totalSteps: number
  readonly firstStep: number
}

type Body = Readonly<Record<string, unknown>>
const bodyOf = ({ body }: JournalEvent): Body => (body ?? {}) as Body
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** `events`: all of the run, in order. `tunedBytes`: of what it left, null where that is not known. */
export function factsOf(
  events: readonly JournalEvent[],
  rungs: readonly PruneRung[],
  tunedBytes: number | null,
): TrialFacts {
  const plan = planOf(events)
  // What was measured before the first step is the model as it was: the same for every trial, and no result of one.
  const measured = measurementsOf(events).filter(({ step }) => step > plan.firstStep)
  const best = lowest(measured)
  return {
    lossNats: best?.lossNats ?? null,
    lossStep: best?.step ?? null,
    rungLosses: rungs.flatMap(({ share }) => {
      const atStep = stepAtShare(share, plan)
      if (!measured.some(({ step }) => step >= atStep)) return []
      const loss = lowest(measured.filter(({ step }) => step <= atStep))
      return loss === null ? [] : [{ share, lossNats: loss.lossNats }]
    }),
    work: { ...workOf(events, plan), tunedBytes },
  }
}

/** As the trainer rounds it: up, and never before the first step. */
const stepAtShare = (share: number, { totalSteps, firstStep }: Plan): number => {
  const own = totalSteps - firstStep
  return firstStep + Math.min(own, Math.max(1, Math.ceil(share * own - 1e-9)))
}

function planOf(events: readonly JournalEvent[]): Plan {
  const last = events.findLast(({ kind }) => kind === 'plan')
  if (last === undefined) return { totalSteps: 0, firstStep: 0 }
  const { totalSteps, before } = bodyOf(last)
  return { totalSteps: numberOf(totalSteps), firstStep: numberOf((before as Body | undefined)?.steps) }
}

/** Of a step that was measured in several attempts the last one's counts. */
function measurementsOf(events: readonly JournalEvent[]): Measured[] {
  const byStep = new Map<number, number>()
  for (const event of events) {
    if (event.kind !== 'evaluation') continue
    const { step, lossNats } = bodyOf(event)
    if (typeof step === 'number' && typeof lossNats === 'number') byStep.set(step, lossNats)
  }
  return [...byStep].map(([step, lossNats]) => ({ step, lossNats })).sort((a, b) => a.step - b.step)
}

/** The earlier one of two that are equal. */
const lowest = (measured: readonly Measured[]): Measured | null =>
  measured.reduce<Measured | null>(
    (best, one) => (best === null || one.lossNats < best.lossNats ? one : best),
    null,
  )

function workOf(events: readonly JournalEvent[], plan: Plan): Omit<TrialWork, 'tunedBytes'> {
  const reused = events.filter(({ kind }) => kind === 'reused').map(bodyOf)
  const sum = (name: string): number => reused.reduce((total, body) => total + numberOf(body[name]), 0)
  const peaks = events.flatMap((event) => {
    const { peakResidentBytes } = bodyOf(event)
    return event.kind === 'finished' && typeof peakResidentBytes === 'number' ? [peakResidentBytes] : []
  })
  const steps = events.flatMap((event) => (event.kind === 'step' ? [numberOf(bodyOf(event).step)] : []))
  return {
    durationMs: events.length === 0 ? null : timeAtWork(events.map(asWork)),
    steps: steps.reduce((most, step) => Math.max(most, step), 0),
    plannedSteps: plan.totalSteps,
    isModelReused: reused.some(({ isModelReused }) => isModelReused === true),
    graphsReused: sum('graphsReused'),
    frozenRowsReused: sum('frozenRowsReused'),
    frozenRowsComputed: sum('frozenRowsComputed'),
    peakResidentBytes: peaks.length === 0 ? null : Math.max(...peaks),
  }
}

function asWork(event: JournalEvent): WorkEvent {
  const { attempt, atMs, kind } = event
  const own = bodyOf(event).durationMs
  return { attempt, atMs, kind, ownMs: typeof own === 'number' ? own : null }
}

// How a trial's run ended, as the study counts it: by the run in the journal alone.
import type { TrialEnd } from '#shared/journal-commands.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import type { Problem, Result } from '#shared/result.ts'
import { unwrap } from '#shared/result.ts'
import type { StudyTrial } from '#shared/study.ts'
import { isSpaceProblem } from './persist.ts'
import type { StudyPorts } from './study-ports.ts'
import { factsOf } from './trial-facts.ts'
import { triesFromHere } from './trial-tries.ts'

/** So often a run that said itself why it failed is begun from the same place, and one whose process died. */
const mostTries = { failed: 2, crashed: 6 } as const

export type TrialState =
  | { readonly kind: 'ended'; readonly end: TrialEnd }
  /** To be launched, from its checkpoint where there is one. `isRetry`: after its process died or it failed. */
  | { readonly kind: 'go-on'; readonly isRetry: boolean }
  | { readonly kind: 'no-space'; readonly problem: Problem }

type Reader = Pick<StudyPorts['reader'], 'getRun' | 'events' | 'artifacts'>

/** `isOurStop`: where its run was cancelled, the study asked for it. */
export function trialState(reader: Reader, trial: StudyTrial, isOurStop: boolean): TrialState {
  if (trial.runId === null) return ended(trial, 'failed', 'It has no run.')
  const found: Result<RunDetail> = reader.getRun(trial.runId)
  if (!found.ok && found.problem.code === 'run.unknown')
    return ended(trial, 'stopped', 'Its run was removed before it came to its end.')
  const run = unwrap(found)
  const { status, failure, endReason } = run
  if (status === 'finished') return { kind: 'ended', end: finished(reader, trial, run, endReason) }
  if (status === 'cancelled' && !isOurStop)
    return { kind: 'ended', end: withoutLoss(reader, trial, run, 'stopped', stoppedByHand) }
  if (status !== 'failed' && status !== 'crashed') return { kind: 'go-on', isRetry: false }
  if (failure !== null && isSpaceProblem(failure)) return { kind: 'no-space', problem: failure }
  const isFinal =
    failure?.code === 'training.diverged' || triesFromHere(unwrap(reader.events(run.id))) >= mostTries[status]
  if (!isFinal) return { kind: 'go-on', isRetry: true }
  return {
    kind: 'ended',
    end: withoutLoss(reader, trial, run, 'failed', failure?.message ?? 'Its process died again and again.'),
  }
}

const blank = ({ studyId, number }: StudyTrial) => ({
  ...{ studyId, number, lossNats: null, lossStep: null, rungLosses: [], work: null },
})

const ended = (trial: StudyTrial, status: 'failed' | 'stopped', reason: string): TrialState => ({
  kind: 'ended',
  end: { ...blank(trial), status, reason },
})

const stoppedByHand = 'It was stopped by hand.'
export const stoppedStudy = 'The search was stopped before it came to its end.'

/** Ends a study that nobody works on for good, with the trials that it had begun. Throws ProblemError. */
export function stopAtRest(
  reader: Reader & Pick<StudyPorts['reader'], 'trials'>,
  writer: Pick<StudyPorts['writer'], 'endTrial' | 'changeStudy'>,
  studyId: string,
): void {
  for (const trial of unwrap(reader.trials(studyId)))
    if (trial.status === 'planned') unwrap(writer.endTrial(cutTrial(reader, trial, stoppedStudy)))
  unwrap(writer.changeStudy(studyId, { status: 'stopped' }))
}

/**
 * A person cancels a run on which nobody works: where it is a trial under way of a study, the study does not go on with it.
 * Written at once, because a study's own pause leaves a run that was cancelled too. True where it was one.
 */
export function stopTrialOf(
  reader: Reader & Pick<StudyPorts['reader'], 'trials'>,
  writer: Pick<StudyPorts['writer'], 'endTrial'>,
  { id, trial }: Pick<RunDetail, 'id' | 'trial'>,
): boolean {
  const trials = trial === null ? [] : unwrap(reader.trials(trial.studyId))
  const planned = trials.find(({ runId, status }) => runId === id && status === 'planned')
  if (planned === undefined) return false
  unwrap(writer.endTrial(cutTrial(reader, planned, stoppedByHand)))
  return true
}

/** A trial that the study itself brings to its end before its run does. */
export function cutTrial(reader: Reader, trial: StudyTrial, reason: string): TrialEnd {
  const run = trial.runId === null ? null : reader.getRun(trial.runId)
  return run?.ok
    ? withoutLoss(reader, trial, run.value, 'stopped', reason)
    : { ...blank(trial), status: 'stopped', reason }
}

function readFacts(reader: Reader, { rungs }: StudyTrial, { id }: RunDetail) {
  const files = unwrap(reader.artifacts(id)).filter(
    ({ kind, removedAtMs }) => removedAtMs === null && (kind === 'adapter' || kind === 'model'),
  )
  const tunedBytes = files.length === 0 ? null : files.reduce((sum, { bytes }) => sum + bytes, 0)
  return factsOf(unwrap(reader.events(id)), rungs, tunedBytes)
}

function finished(reader: Reader, trial: StudyTrial, run: RunDetail, endReason: string | null): TrialEnd {
  const { studyId, number } = trial
  const facts = readFacts(reader, trial, run)
  const place = { studyId, number, ...facts }
  if (facts.lossNats === null)
    return { ...place, status: 'failed', reason: 'Nothing was measured on validation rows.' }
  return endReason === 'pruned'
    ? { ...place, status: 'pruned', reason: prunedReason(trial, facts.rungLosses) }
    : { ...place, status: 'complete', reason: null }
}

/** Its loss counts for nothing; how far it came does. */
function withoutLoss(
  reader: Reader,
  trial: StudyTrial,
  run: RunDetail,
  status: 'failed' | 'stopped',
  reason: string,
): TrialEnd {
  const { studyId, number } = trial
  const { work, rungLosses } = readFacts(reader, trial, run)
  return {
    studyId,
    number,
    status,
    reason: reason.slice(0, 400),
    lossNats: null,
    lossStep: null,
    rungLosses,
    work,
  }
}

function prunedReason({ rungs }: StudyTrial, rungLosses: StudyTrial['rungLosses']): string {
  const last = rungLosses.at(-1)
  const limit = rungs.find(({ share }) => share === last?.share)?.aboveNats ?? null
  if (last === undefined || limit === null) return 'It was given up early: others were better by then.'
  return `It was given up after ${Math.round(100 * last.share)} % of its steps: its loss was ${last.lossNats.toFixed(4)}, and to be among the best it had to be at most ${limit.toFixed(4)}.`
}

// What a study found, said honestly: preset and winner over seeds that the search did not use, with an interval; and while
// it is not at its end, how it stands. Pure.
import type { StudyView } from '#shared/contract/studies.ts'
import {
  fewestSeeds,
  type JournalStudy,
  type LivingStudy,
  livingStudies,
  type StudyTrial,
} from '#shared/study.ts'
import { isDistrusted } from '#shared/trial-words.ts'
import { formatChange } from '#shared/units.ts'
import { bestTrial, confirmingTrials } from './best-trial.ts'
import { compareSeeds } from './search/index.ts'
import { confirmingRuns, timeOverReason } from './study-budget.ts'
import { hoursSentences } from './study-schedule.ts'

type Verdict = StudyView['verdict']
type Study = Pick<JournalStudy, 'status' | 'spec' | 'reason' | 'schedule'> & {
  /** Of another journal: how it stood there, not at its end. */
  readonly stood?: LivingStudy | null
}

/** Losses of the runs that confirm the best point, of those that came to their end. */
export function confirmedLosses(trials: readonly StudyTrial[], purpose: 'preset' | 'winner'): number[] {
  return confirmingTrials(trials).flatMap((trial) =>
    trial.purpose === purpose && trial.status === 'complete' && trial.lossNats !== null
      ? [trial.lossNats]
      : [],
  )
}

export function verdictOf(study: Study, trials: readonly StudyTrial[]): Verdict {
  const best = bestTrial(trials)
  const confirming = confirmingOf(study, trials)
  if (livingStudies.includes(study.status) && confirming.left > 0)
    return plain('searching', livingSentence(study.status, best, confirming), hoursSentences(study.schedule))
  if (best === null) return plain('nothing-found', ...nothingFound(study, trials))
  const [preset, winner] = [confirmedLosses(trials, 'preset'), confirmedLosses(trials, 'winner')]
  const gain = compareSeeds(preset, winner)
  if (gain === null || Math.min(preset.length, winner.length) < fewestSeeds)
    return plain('not-confirmed', notConfirmedSentence(study, best), [
      ...(gain === null ? [] : [tooFewSentence(gain, preset.length, winner.length)]),
      ...(gain === null || confirming.left > 0 ? [whyNotConfirmed(study, confirming)] : []),
      ...reasonsOf(study),
    ])
  const kind = gain.low > 0 ? 'better' : gain.high < 0 ? 'worse' : 'no-difference'
  return {
    kind,
    gain,
    sentence: sentenceOf(kind, gain),
    reasons: [...seedReasons(best, preset, winner), ...partReasons(study, confirming)],
  }
}

/** Of another journal whose losses do not count, trials did come to their end; what they found is not known. */
function nothingFound(study: Study, trials: readonly StudyTrial[]): readonly [string, readonly string[]] {
  const why = trials.filter(isDistrusted).map(({ reason }) => reason ?? '')
  return why.length === 0
    ? [`${endWords(study)}no trial came to its end, so nothing was found.`, reasonsOf(study)]
    : [
        `${endWords(study)}none of its trials has a loss that counts, so what it found is not known.`,
        [...new Set(why), ...reasonsOf(study)],
      ]
}

const plain = (
  kind: 'searching' | 'nothing-found' | 'not-confirmed',
  sentence: string,
  reasons: readonly string[],
): Verdict => ({ kind, sentence, reasons: [...reasons], gain: null })

const reasonsOf = ({ reason }: Study): string[] => (reason === null ? [] : [reason])

/** Runs with other seeds: those that came to their end, all that there are to be, and what is to come of a study that lives. */
interface Confirming {
  readonly done: number
  readonly all: number
  readonly left: number
  readonly hasBegun: boolean
  /** Of a search at its end: its time was over before all of them had begun, or in the midst of one. */
  readonly isCutByTime: boolean
}

function confirmingOf({ spec, status }: Study, trials: readonly StudyTrial[]): Confirming {
  const runs = confirmingTrials(trials)
  const done = runs.filter(({ status: end }) => end === 'complete').length
  const all = confirmingRuns(spec)
  // Where nothing is computed again, the study's own end is its only one.
  const left = Math.max(all - done, all === 0 ? 1 : 0)
  const { untilMs, workMs } = spec.budget
  const isTimed = untilMs !== null || workMs !== null
  const isCut = runs.length < all || runs.some(({ reason }) => reason === timeOverReason)
  const isCutByTime = status === 'finished' && isTimed && isCut
  return { done, all, left, hasBegun: runs.length > 0, isCutByTime }
}

const countText = ({ done, all }: Confirming): string => `${done} of ${all} runs done`

const lossText = ({ number, lossNats }: StudyTrial): string =>
  `Trial ${number + 1} has the lowest loss so far, ${(lossNats ?? 0).toFixed(4)} nats.`

const livingWords: Readonly<Partial<Record<Study['status'], string>>> = {
  waiting: 'The search waits for its turn',
  running: 'The search is under way',
  paused: 'The search is paused',
}
const confirmingWords: Readonly<Partial<Record<Study['status'], string>>> = {
  waiting: 'waits to be trained again with other seeds',
  running: 'is being trained again with other seeds',
  paused: 'is to be trained again with other seeds once it is gone on with',
}

function livingSentence(status: Study['status'], best: StudyTrial | null, confirming: Confirming): string {
  if (confirming.hasBegun)
    return `The search is over; what it found ${confirmingWords[status]}: ${countText(confirming)}.`
  return best === null
    ? `${livingWords[status]}: no trial has come to its end yet.`
    : `${livingWords[status]}. ${lossText(best)}`
}

/** How it ended, as the beginning of a sentence. */
const endWords = ({ status, stood = null }: Study): string => {
  if (stood !== null) return 'The search was not at its end: '
  if (status === 'stopped') return 'The search was stopped: '
  return status === 'failed' ? 'The search could not go on: ' : 'The search is over: '
}

function notConfirmedSentence(study: Study, { number, lossNats }: StudyTrial): string {
  const loss = `${(lossNats ?? 0).toFixed(4)} nats`
  return `${endWords(study)}trial ${number + 1} has the lowest loss, ${loss}. Whether it is better than the plan beyond luck is not known.`
}

function whyNotConfirmed({ status, stood = null }: Study, confirming: Confirming): string {
  if (confirming.all === 0) return 'The search was told not to train it again with other seeds.'
  const { hasBegun, isCutByTime } = confirming
  if (stood !== null && !hasBegun)
    return 'Plan and best settings were not trained again with other seeds yet.'
  if (status === 'stopped' || status === 'failed')
    return hasBegun
      ? `It ended while plan and best settings were trained again with other seeds: ${countText(confirming)}.`
      : 'It ended before plan and best settings were trained again with other seeds.'
  if (isCutByTime)
    return hasBegun
      ? `The time was over while plan and best settings were trained again with other seeds: ${countText(confirming)}.`
      : 'There was no time left to train it again with other seeds.'
  return `Too few of the runs with other seeds came to their end: ${countText(confirming)}.`
}

/** Of a comparison that rests on fewer runs than were to be. */
function partReasons(study: Study, { left, isCutByTime, done, all }: Confirming): string[] {
  if (left === 0) return []
  const why = isCutByTime
    ? 'The time was over before all runs with other seeds were done'
    : study.status === 'stopped'
      ? 'The search was stopped before all runs with other seeds were done'
      : 'Not all runs with other seeds came to their end'
  return [`${why}: the comparison is of ${done} of ${all}.`, ...reasonsOf(study)]
}

/** What a comparison of too few seeds says so far. */
function tooFewSentence(
  { value, low, high }: NonNullable<Verdict['gain']>,
  preset: number,
  winner: number,
): string {
  const seeds =
    preset === winner
      ? `With ${preset} seeds each`
      : `With ${preset} seeds of the plan and ${winner} of the best settings`
  const lower = `${value >= 0 ? 'lower' : 'higher'} by ${Math.abs(value).toFixed(4)} nats`
  return `${seeds} its validation loss is ${lower} (95 % interval of the gain ${low.toFixed(4)} to ${high.toFixed(4)}); ${fewestSeeds} are needed before it is called better.`
}

function sentenceOf(
  kind: 'better' | 'worse' | 'no-difference',
  { value, low, high }: NonNullable<Verdict['gain']>,
): string {
  const figures = `${formatChange(value, 4)} nats, 95 % interval ${formatChange(low, 4)} to ${formatChange(high, 4)}`
  const lower = `${value.toFixed(4)} nats (95 % interval ${low.toFixed(4)} to ${high.toFixed(4)})`
  switch (kind) {
    case 'better':
      return `Better than the plan as it was, also with seeds that the search did not use: its validation loss is lower by ${lower}.`
    case 'worse':
      return `Worse than the plan with other seeds, so keep the plan: what looked best was luck (difference ${figures}).`
    case 'no-difference':
      return `No better than the plan beyond what seeds change: the difference is ${figures}.`
  }
}

function seedReasons(best: StudyTrial, preset: readonly number[], winner: readonly number[]): string[] {
  const list = (losses: readonly number[]): string => losses.map((loss) => loss.toFixed(4)).join(', ')
  const mean = winner.reduce((sum, loss) => sum + loss, 0) / winner.length
  return [
    `Losses of the plan with ${preset.length} seeds: ${list(preset)}.`,
    `Losses of the best settings with ${winner.length} seeds: ${list(winner)}.`,
    ...(best.lossNats !== null && mean > best.lossNats
      ? [
          `When it was chosen its loss was ${best.lossNats.toFixed(4)}: the lowest of many is lower by luck too, and so it is not counted here.`,
        ]
      : []),
  ]
}

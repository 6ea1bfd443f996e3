// What a study does next, decided from its journal alone: the same trials give the same decision, after any kill. Pure.
import type { NewTrial } from '#shared/journal-commands.ts'
import type { PruneRung, StudiedSettings, StudySpec, StudyTrial } from '#shared/study.ts'
import { bestTrial, confirmingTrials } from './best-trial.ts'
import { countPoints, type Observation, rungsFor, suggest } from './search/index.ts'
import { type BudgetState, isSearchOver, isTimeOver } from './study-budget.ts'

export interface StudyState extends BudgetState {
  readonly spec: StudySpec
  /** Trials that had ended when it was last begun or gone on with: a person knows of those and wants more. */
  readonly endedBefore: number
}

export type Decision =
  | { readonly kind: 'trial'; readonly trial: Omit<NewTrial, 'studyId'> }
  /** Nothing can be decided before what is planned has ended. */
  | { readonly kind: 'wait' }
  /** `failed`: it cannot go on; `reason` says why, or of one that is finished what ended it before its budget did. */
  | { readonly kind: 'end'; readonly status: 'finished' | 'failed'; readonly reason: string | null }

/** So many points in a row that cannot be computed: there is nothing to find. One that is gone on with gets as many again. */
const mostSkipped = 20
const mostFailed = 10

export function decideTrial(state: StudyState): Decision {
  const { spec, trials } = state
  const hopeless = hopelessReason(state)
  if (hopeless !== null) return { kind: 'end', status: 'failed', reason: hopeless }
  if (!isSearchOver(state)) {
    const next = searchTrial(spec, trials)
    if (next !== null) return { kind: 'trial', trial: next }
  }
  if (trials.some(({ status }) => status === 'planned')) {
    const confirming = trials.every(({ purpose, status }) => purpose !== 'search' || status !== 'planned')
    const next = confirming && !isTimeOver(state) ? confirmingTrial(spec, trials) : null
    return next === null ? { kind: 'wait' } : { kind: 'trial', trial: next }
  }
  const next = isTimeOver(state) ? null : confirmingTrial(spec, trials)
  return next === null
    ? { kind: 'end', status: 'finished', reason: allTriedReason(spec, trials) }
    : { kind: 'trial', trial: next }
}

/** Null where there was more to try. */
function allTriedReason({ space, sampler, budget }: StudySpec, trials: readonly StudyTrial[]): string | null {
  const points = countPoints({ space, sampler, trials: budget.trials })
  const tried = trials.filter(({ purpose }) => purpose === 'search').length
  if (points === null || tried < points) return null
  const of = sampler === 'grid' ? 'grid' : 'ranges'
  return points === 1
    ? `The only point of the ${of} was tried.`
    : `All ${points} points of the ${of} were tried.`
}

function searchTrial(spec: StudySpec, trials: readonly StudyTrial[]): Omit<NewTrial, 'studyId'> | null {
  const { space, sampler, seed, startupTrials, priors, budget } = spec
  // A point with other seeds has shown the search's own result already.
  const history = trials.filter(({ purpose }) => purpose === 'search').map(observationOf)
  const number = trials.length
  const settings = suggest({
    space,
    sampler,
    seed,
    number,
    startupTrials,
    history,
    priors,
    trials: budget.trials,
  })
  if (settings === null) return null
  return { number, purpose: 'search', settings, seed: spec.base.seed, rungs: rungsOf(spec, trials) }
}

const rungsOf = ({ pruning }: StudySpec, trials: readonly StudyTrial[]): PruneRung[] =>
  pruning === null ? [] : rungsFor({ pruning, history: trials.filter(({ purpose }) => purpose === 'search') })

function observationOf(trial: StudyTrial): Observation {
  const { number, settings, lossNats, status, rungLosses } = trial
  const lastShare = status === 'complete' ? 1 : (rungLosses.at(-1)?.share ?? 0)
  return { number, settings, lossNats, status, lastShare }
}

/**
 * Preset and winner in turn, with the same seeds, none of them that of the search: a point that was chosen because its loss
 * was the lowest has a loss that is too low. Null where all were begun, or where there is nothing to confirm.
 */
function confirmingTrial(spec: StudySpec, trials: readonly StudyTrial[]): Omit<NewTrial, 'studyId'> | null {
  const best = bestTrial(trials)
  if (spec.confirmSeeds < 2 || best === null) return null
  const begun = confirmingTrials(trials)
  const settingsOf: Readonly<Record<'preset' | 'winner', StudiedSettings>> = {
    preset: {},
    winner: best.settings,
  }
  for (let at = 1; at <= spec.confirmSeeds; at += 1)
    for (const purpose of ['preset', 'winner'] as const) {
      const seed = (spec.base.seed + at) % 2 ** 32
      if (begun.some((one) => one.purpose === purpose && one.seed === seed)) continue
      return { number: trials.length, purpose, settings: settingsOf[purpose], seed, rungs: [] }
    }
  return null
}

function hopelessReason({ trials, endedBefore }: StudyState): string | null {
  const ended = trials.filter(({ status }) => status !== 'planned')
  const isReached = (status: StudyTrial['status'], most: number): boolean => {
    const inARow = ended.length - 1 - ended.findLastIndex((one) => one.status !== status)
    const since = Math.max(0, ended.length - endedBefore)
    // By full tens: a program that ended in between counts on.
    return Math.floor(inARow / most) > Math.floor(Math.max(0, inARow - since) / most)
  }
  if (isReached('skipped', mostSkipped))
    return `The last ${mostSkipped} points of the search do not fit into this computer's memory: choose narrower ranges or a smaller model.`
  if (isReached('failed', mostFailed))
    return `The last ${mostFailed} trials came to nothing: look at the reason of one of them.`
  return null
}

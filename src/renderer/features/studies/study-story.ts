// What the screen of a search says first: its finding as the heading, how it stands, and how the best trial's seeds compare
// with the preset's. Pure but for the words.
import type { StudyCard, StudyView } from '#shared/contract/studies.ts'
import { livingStudies, type Pruning, type StudyTrial } from '#shared/study.ts'
import { toldLoss } from '#shared/trial-words.ts'
import { formatDay, formatPercent, formatShortTime } from '../../format.ts'
import { t } from '../../words/index.ts'
import { formatLoss, formatLosses } from './loss-words.ts'
import { writeTime } from './study-hours.ts'

export const isLiving = ({ status }: Pick<StudyCard, 'status'>): boolean => livingStudies.includes(status)

/** Trials of the search that have an end, however they ended. */
export const endedTrials = ({ trials }: Pick<StudyCard, 'trials'>): number =>
  trials.complete + trials.pruned + trials.skipped + trials.failed + trials.stopped

/** Trials are counted from one on screens; the journal counts from 0. */
export const trialName = (number: number): string => t('studies.trialName', { number: number + 1 })

const trialCount = (count: number): string => t('studies.line.trials', { count })

/** "5 trials and 4 confirming runs". */
export function countsWord(study: Pick<StudyCard, 'trials' | 'confirming'>): string {
  const trials = trialCount(endedTrials(study))
  if (study.confirming === 0) return trials
  return t('studies.line.both', { trials, runs: t('studies.line.confirming', { count: study.confirming }) })
}

/** "5 trials, 4 confirming", for a cell. */
export const countsShort = (study: Pick<StudyCard, 'trials' | 'confirming'>): string =>
  study.confirming === 0
    ? countsWord(study)
    : t('studies.line.bothShort', { trials: trialCount(endedTrials(study)), count: study.confirming })

/** Runs that confirm are counted by themselves. */
export function nameInTable(
  { number, purpose }: Pick<StudyTrial, 'number' | 'purpose'>,
  trials: readonly Pick<StudyTrial, 'number' | 'purpose'>[],
): string {
  if (purpose === 'search') return trialName(number)
  const at = trials.filter((one) => one.purpose !== 'search' && one.number <= number).length
  return t('studies.confirmingName', { number: at })
}

/** Those that the limit of trials counts: what was left out took no time, and another one takes its place. */
const countedTrials = (study: Pick<StudyCard, 'trials'>): number => endedTrials(study) - study.trials.skipped

/** "8 of 12 trials"; where time may end it before, "of at most"; by time alone nobody knows how many there will be. */
export function searchedWord(study: Pick<StudyCard, 'trials' | 'budget'>): string {
  const { trials: count } = study.budget
  if (count === null) return t('studies.line.soFar', { trials: trialCount(endedTrials(study)) })
  return t(isTimed(study) ? 'studies.line.ofMost' : 'studies.line.of', { done: countedTrials(study), count })
}

const isTimed = ({ budget }: Pick<StudyCard, 'budget'>): boolean =>
  budget.workMs !== null || budget.untilMs !== null

/** "2 of 6 confirming runs"; empty where none are to be. Where time runs short there are fewer. */
export function confirmedWord(study: Pick<StudyCard, 'budget' | 'confirming' | 'confirmingPlanned'>): string {
  const { confirming: done, confirmingPlanned: count } = study
  if (count === 0) return ''
  return t(isTimed(study) ? 'studies.line.confirmingOfMost' : 'studies.line.confirmingOf', { done, count })
}

/** The search itself is over: plan and best are trained with other seeds. */
const isConfirming = ({ trials }: StudyView): boolean => trials.some(({ purpose }) => purpose !== 'search')

/** How it stands; of another journal, how it stood when that was last written. */
export const stateOf = ({ status, stood }: Pick<StudyCard, 'status' | 'stood'>): string =>
  t(stood === null ? `studies.statuses.${status}` : `studies.stood.${stood}`)

/** A study at work says how far it is, one at rest what it found. */
export function headingOf(view: StudyView): string {
  const { study } = view
  const done = endedTrials(study)
  if (study.status === 'failed') return t('studies.heading.failed')
  if (study.status === 'paused')
    return done === 0
      ? t('studies.heading.pausedFirst')
      : t('studies.heading.paused', { done: countsWord(study) })
  if (study.status === 'waiting')
    return done === 0
      ? t('studies.heading.waitingFirst')
      : t('studies.heading.waiting', { done: countsWord(study) })
  if (study.status === 'running') {
    if (isConfirming(view)) return t('studies.heading.confirming')
    return t('studies.heading.searching', { done: searchedWord(study) })
  }
  return findingOf(view)
}

/** What a search at its end found. */
function findingOf(view: StudyView): string {
  const { verdict, study } = view
  const { preset, best } = seedMeans(view)
  const [bestLoss, presetLoss] = formatLosses(best ?? 0, preset ?? 0)
  const values = { best: bestLoss, preset: presetLoss }
  const areKnown = preset !== null && best !== null
  switch (verdict.kind) {
    case 'better':
      return areKnown ? t('studies.heading.better', values) : t('studies.heading.betterPlain')
    case 'worse':
      return areKnown ? t('studies.heading.worse', values) : t('studies.heading.worsePlain')
    case 'no-difference':
      return t('studies.heading.no-difference')
    case 'not-confirmed':
    case 'searching':
      return study.best === null
        ? t('studies.heading.notConfirmedPlain')
        : t(best === null ? 'studies.heading.not-confirmed' : 'studies.heading.tooFewSeeds', {
            best: formatLoss(study.best.lossNats),
          })
    case 'nothing-found':
      if (study.leftOut > 0) return t('studies.heading.leftOut')
      return t(study.trials.failed > 0 ? 'studies.heading.allFailed' : 'studies.heading.nothing-found')
  }
}

/** By which loss lists and the page tell it: "loss 0.57, mean of 3 seeds"; before there is one, "lowest loss 0.58, one trial". */
export function bestWord({ best, status, leftOut }: Pick<StudyCard, 'best' | 'status' | 'leftOut'>): string {
  const told = lossWordOf({ best, status })
  return leftOut === 0 ? told : `${told} · ${t('studies.list.leftOut', { count: leftOut })}`
}

function lossWordOf({ best, status }: Pick<StudyCard, 'best' | 'status'>): string {
  if (best === null) return t(isLiving({ status }) ? 'studies.list.noBest' : 'studies.list.noBestAtEnd')
  const { kind, lossNats, seeds } = toldLoss(best)
  return t(`studies.list.best.${kind}`, { loss: formatLoss(lossNats), seeds: String(seeds) })
}

/** The same in two parts, for a cell. */
export function bestParts({
  best,
  leftOut,
}: Pick<StudyCard, 'best' | 'leftOut'>): { readonly loss: string; readonly of: string } | null {
  if (best === null) return null
  const { kind, lossNats, seeds } = toldLoss(best)
  const of = t(`studies.list.best.of.${kind}`, { seeds: String(seeds) })
  return {
    loss: formatLoss(lossNats),
    of: leftOut === 0 ? of : `${of} · ${t('studies.list.leftOut', { count: leftOut })}`,
  }
}

/** "12 trials and 6 confirming runs · loss 0.57, mean of 3 seeds · 3.2 h at work · from 22:00 to 07:00 only · started yesterday". */
export function lineOf(study: StudyCard): string {
  const { schedule, startedAtMs, endedAtMs, createdAtMs } = study
  return [
    countsWord(study),
    ...(study.best === null && study.leftOut === 0 ? [] : [bestWord(study)]),
    ...(study.workedMs > 0 ? [t('studies.line.worked', { time: formatShortTime(study.workedMs) })] : []),
    ...(schedule === null || !isLiving(study)
      ? []
      : [
          t('studies.line.night', { from: writeTime(schedule.fromMinute), to: writeTime(schedule.toMinute) }),
        ]),
    endedAtMs === null
      ? t('studies.line.started', { when: formatDay(startedAtMs ?? createdAtMs) })
      : t('studies.line.ended', { when: formatDay(endedAtMs) }),
  ].join(' · ')
}

interface SeedPair {
  readonly seed: number
  /** Loss of the base with this seed, and of the best trial; null where it is still to come or did not end. */
  readonly preset: number | null
  readonly winner: number | null
}

const lossOf = (trial: StudyTrial | undefined): number | null =>
  trial?.status === 'complete' ? trial.lossNats : null

/** The final check, seed by seed. The search's own seed is not among them: its best is the lowest of many by luck too. */
export function seedPairs({ trials }: Pick<StudyView, 'trials'>): readonly SeedPair[] {
  const found = (purpose: StudyTrial['purpose'], seed: number): StudyTrial | undefined =>
    trials.find((trial) => trial.purpose === purpose && trial.seed === seed)
  const seeds = trials.flatMap(({ purpose, seed }) => (purpose === 'search' ? [] : [seed]))
  return [...new Set(seeds)].map((seed) => ({
    seed,
    preset: lossOf(found('preset', seed)),
    winner: lossOf(found('winner', seed)),
  }))
}

const meanOf = (losses: readonly (number | null)[]): number | null => {
  const known = losses.filter((loss) => loss !== null)
  return known.length === 0 ? null : known.reduce((sum, loss) => sum + loss, 0) / known.length
}

/** Over the seeds that came to their end; null where there is none. */
export function seedMeans(view: Pick<StudyView, 'trials'>): {
  readonly preset: number | null
  readonly best: number | null
} {
  const pairs = seedPairs(view)
  return {
    preset: meanOf(pairs.map(({ preset }) => preset)),
    best: meanOf(pairs.map(({ winner }) => winner)),
  }
}

/** Why there is no comparison with other seeds (yet); empty where there is one. */
export function seedsMissing({ verdict, study }: StudyView): string {
  if (verdict.gain !== null) return ''
  if (!isLiving(study)) return t('studies.seeds.missing')
  return t(study.confirmingPlanned === 0 ? 'studies.seeds.leftOut' : 'studies.seeds.waiting')
}

/** At which shares of their steps trials were given up, and how; from which one on. */
export function pruningWords(pruning: Pruning | null): { readonly value: string; readonly help: string } {
  if (pruning === null) return { value: t('studies.about.notPruned'), help: '' }
  const { rungs, reduction, startupTrials: trials } = pruning
  const shares = rungs.map(formatPercent).join(t('studies.about.and'))
  const part = reduction === 3 ? t('studies.about.bestThird') : formatPercent(1 / reduction)
  return {
    value: t('studies.about.prunedAt', { shares }),
    help: t('studies.about.prunedHelp', { part, trials }),
  }
}

// What the screen of a search says first: its finding as the heading, how it stands, and how the best trial's seeds compare
// with the preset's. Pure but for the words.
import type { StudyCard, StudyView } from '#shared/contract/studies.ts'
import { livingStudies, type StudyTrial } from '#shared/study.ts'
import { formatDay, formatShortTime } from '../../format.ts'
import { t } from '../../words/index.ts'
import { formatLoss, formatLosses } from './loss-words.ts'
import { writeTime } from './study-choice.ts'

export const isLiving = ({ status }: Pick<StudyCard, 'status'>): boolean => livingStudies.includes(status)

/** Trials that have an end, however they ended. */
export const endedTrials = ({ trials }: Pick<StudyCard, 'trials'>): number =>
  trials.complete + trials.pruned + trials.skipped + trials.failed

/** Trials are counted from one on screens; the journal counts from 0. */
export const trialName = (number: number): string => t('studies.trialName', { number: number + 1 })

const trialCount = (count: number): string => t('studies.line.trials', { count })

/** How many there may be in all, about; null where the time decides and nothing is known. */
function expectedTrials(study: StudyCard): number | null {
  if (study.budget.trials !== null) return study.budget.trials
  const ended = endedTrials(study)
  if (study.doneShare === null || study.doneShare <= 0 || ended < 3) return null
  return Math.max(ended, Math.round(ended / study.doneShare))
}

/** A study at work says how far it is, one at rest what it found. */
export function headingOf(view: StudyView): string {
  const { study } = view
  const done = endedTrials(study)
  if (study.status === 'failed') return t('studies.heading.failed')
  if (study.status === 'paused')
    return done === 0 ? t('studies.heading.pausedFirst') : t('studies.heading.paused', { count: done })
  if (study.status === 'waiting')
    return done === 0
      ? t('studies.heading.waitingFirst')
      : t('studies.heading.waiting', { done: trialCount(done) })
  if (study.status === 'running') {
    const count = expectedTrials(study)
    if (count === null) return t('studies.heading.searching', { done: trialCount(done) })
    return t('studies.heading.searchingOf', { done, count })
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
        : t('studies.heading.not-confirmed', { best: formatLoss(study.best.lossNats) })
    case 'nothing-found':
      return t(study.trials.failed > 0 ? 'studies.heading.allFailed' : 'studies.heading.nothing-found')
  }
}

/** "12 trials · 3.2 h at work · from 22:00 to 07:00 only · started yesterday". */
export function lineOf(study: StudyCard): string {
  const { schedule, startedAtMs, endedAtMs, createdAtMs } = study
  return [
    trialCount(endedTrials(study)),
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

export interface SeedPair {
  readonly seed: number
  /** Loss of the base with this seed, and of the best trial; null where it is still to come or did not end. */
  readonly preset: number | null
  readonly winner: number | null
}

const lossOf = (trial: StudyTrial | undefined): number | null =>
  trial?.status === 'complete' ? trial.lossNats : null

/**
 * The final check, seed by seed. The best trial of the search stands for its own seed, where the preset was computed with
 * that one too.
 */
export function seedPairs({ trials, adoptable, study }: StudyView): readonly SeedPair[] {
  const winners = trials.filter(({ purpose }) => purpose === 'winner')
  const presets = trials.filter(({ purpose }) => purpose === 'preset')
  const best = trials.find(({ number }) => number === (adoptable ?? study.best?.number))
  const seeds = [...new Set([...presets, ...winners].map(({ seed }) => seed))]
  return seeds.map((seed) => ({
    seed,
    preset: lossOf(presets.find((trial) => trial.seed === seed)),
    winner: lossOf(winners.find((trial) => trial.seed === seed) ?? (best?.seed === seed ? best : undefined)),
  }))
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

/** Means over the seeds that both have; null where there is none. */
export function seedMeans(view: StudyView): { readonly preset: number | null; readonly best: number | null } {
  const pairs = seedPairs(view).filter(({ preset, winner }) => preset !== null && winner !== null)
  return {
    preset: meanOf(pairs.map(({ preset }) => preset ?? 0)),
    best: meanOf(pairs.map(({ winner }) => winner ?? 0)),
  }
}

/** Why there is no comparison with other seeds (yet); empty where there is one. */
export function seedsMissing({ verdict, study }: StudyView): string {
  if (verdict.gain !== null) return ''
  return t(isLiving(study) ? 'studies.seeds.waiting' : 'studies.seeds.missing')
}

// What a person chooses of a search before it begins, as it stands in the fields, and what of it the program is asked for:
// a request, or a reason at each field that cannot be taken. Pure but for the words.
import type { SearchEffort } from '#shared/contract/studies.ts'
import { fewestSeeds, type SamplerKind, type StudyBudget } from '#shared/study.ts'
import { t } from '../../words/index.ts'
import type { DimensionEdit } from './space-form.ts'
import {
  nextTimeMs,
  readHours,
  readTime,
  type TypedHours,
  typedHours,
  usualNight,
  wrongHours,
} from './study-hours.ts'

export const limitKinds = ['proposed', 'until', 'hours', 'trials'] as const
export type LimitKind = (typeof limitKinds)[number]

/** As typed. What is null takes what the effort proposes. */
export interface StudyChoice {
  readonly effort: SearchEffort
  readonly limit: LimitKind
  /** "07:00". */
  readonly until: string
  readonly hours: string
  /** null: as many as the effort proposes. */
  readonly trials: string | null
  /** Of the search that this one goes on from: it ends there too. Gone once a person chooses a limit. */
  readonly besides: Partial<Pick<StudyBudget, 'trials' | 'workMs'>>
  readonly isAtNight: boolean | null
  /** Hours of the day at which it works where it is at night. */
  readonly night: TypedHours
  readonly name: string
  readonly sampler: SamplerKind | null
  readonly isPruned: boolean
  readonly usesEarlierResults: boolean
  readonly confirmSeeds: string | null
  readonly seed: string
  /** By `dimensionKey`; what is not there stays as proposed. */
  readonly space: Readonly<Record<string, DimensionEdit>>
}

export const firstChoice: StudyChoice = {
  effort: 'night',
  limit: 'proposed',
  until: '07:00',
  hours: '8',
  trials: null,
  besides: {},
  isAtNight: null,
  night: typedHours(usualNight),
  name: '',
  sampler: null,
  isPruned: true,
  usesEarlierResults: true,
  confirmSeeds: null,
  seed: '42',
  space: {},
}

/** A search over night leaves the day to other work, unless a person says otherwise. */
export const worksAtNight = ({ isAtNight, effort }: Pick<StudyChoice, 'isAtNight' | 'effort'>): boolean =>
  isAtNight ?? effort === 'night'

type ChoiceField = 'until' | 'hours' | 'trials' | 'night' | 'name' | 'confirmSeeds' | 'seed'
export type Wrong = Readonly<Partial<Record<ChoiceField, string>>>

function readNumber(typed: string, low: number, high: number, isWhole: boolean): number | null {
  const plain = typed.trim().replace(',', '.')
  const value = plain === '' ? Number.NaN : Number(plain)
  if (!Number.isFinite(value) || value < low || value > high) return null
  return isWhole && !Number.isInteger(value) ? null : value
}

/** Where an effort sets none, or so many that they are no limit. */
const usualTrials = 30
const mostProposed = 100

/** What was typed stays, whatever else is chosen; else it is what the effort proposes. */
export function shownTrials({ trials }: Pick<StudyChoice, 'trials'>, proposed: StudyBudget | null): string {
  if (trials !== null) return trials
  const most = proposed?.trials ?? usualTrials
  return String(most > mostProposed ? usualTrials : most)
}

const hourMs = 3_600_000
/** A second is the shortest that the contract takes. */
const fewestHours = 1000 / hourMs

/** undefined leaves the budget to the effort; null where the field is wrong. */
function budgetOf(
  choice: StudyChoice,
  proposed: StudyBudget | null,
  nowMs: number,
): StudyBudget | undefined | null {
  const none = { trials: null, workMs: null, untilMs: null, ...choice.besides }
  switch (choice.limit) {
    case 'proposed':
      return undefined
    case 'until': {
      const minute = readTime(choice.until)
      return minute === null ? null : { ...none, untilMs: nextTimeMs(minute, nowMs) }
    }
    case 'hours': {
      const hours = readNumber(choice.hours, fewestHours, 1000, false)
      return hours === null ? null : { ...none, workMs: Math.round(hours * hourMs) }
    }
    case 'trials': {
      const trials = readNumber(shownTrials(choice, proposed), 1, 10_000, true)
      return trials === null ? null : { ...none, trials }
    }
  }
}

const wrongLimits = {
  until: 'studies.wrong.time',
  hours: 'studies.wrong.hours',
  trials: 'studies.wrong.trials',
} as const

const longestName = 200
const mostSeeds = 10

/** 0 leaves the check out; fewer than three say nothing. */
const readSeeds = (typed: string): number | null =>
  readNumber(typed, 0, 0, true) ?? readNumber(typed, fewestSeeds, mostSeeds, true)

/**
 * What is asked for, and why a field cannot be taken. What is wrong is left out of the request.
 * @param proposed the effort's own limit, null before it is known
 */
export function readChoice(choice: StudyChoice, proposed: StudyBudget | null, nowMs: number) {
  const wrong: Partial<Record<ChoiceField, string>> = {}
  const budget = budgetOf(choice, proposed, nowMs)
  if (budget === null && choice.limit !== 'proposed') wrong[choice.limit] = t(wrongLimits[choice.limit])
  const schedule = worksAtNight(choice) ? readHours(choice.night) : null
  if (worksAtNight(choice) && schedule === null) wrong.night = wrongHours(choice.night)
  const confirmSeeds = choice.confirmSeeds === null ? undefined : readSeeds(choice.confirmSeeds)
  if (confirmSeeds === null) wrong.confirmSeeds = t('studies.wrong.seeds')
  const seed = readNumber(choice.seed, 0, 4_294_967_295, true)
  if (seed === null) wrong.seed = t('studies.wrong.seed')
  const name = choice.name.trim()
  if (name.length > longestName) wrong.name = t('studies.wrong.name')
  return {
    wrong: wrong as Wrong,
    request: {
      effort: choice.effort,
      isPruned: choice.isPruned,
      usesEarlierResults: choice.usesEarlierResults,
      seed: seed ?? undefined,
      schedule,
      ...(choice.sampler === null ? {} : { sampler: choice.sampler }),
      ...(budget ? { budget } : {}),
      ...(typeof confirmSeeds === 'number' ? { confirmSeeds } : {}),
    },
    name: name === '' || name.length > longestName ? undefined : name,
  }
}

/** How many of the fine settings a person changed. */
export function countChanges(choice: StudyChoice): number {
  const names = ['sampler', 'isPruned', 'usesEarlierResults', 'confirmSeeds', 'seed', 'name'] as const
  return names.filter((name) => choice[name] !== firstChoice[name]).length + Object.keys(choice.space).length
}

/** All fine settings as they were at first; what is chosen on the page itself stays. */
export const withoutChanges: Partial<StudyChoice> = {
  sampler: firstChoice.sampler,
  isPruned: firstChoice.isPruned,
  usesEarlierResults: firstChoice.usesEarlierResults,
  confirmSeeds: firstChoice.confirmSeeds,
  seed: firstChoice.seed,
  name: firstChoice.name,
  space: firstChoice.space,
}

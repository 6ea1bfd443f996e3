// A new search that goes on where one ended, in wider ranges: what of the form it fills in. Pure but for the words.
import type { StudyPlan, StudyView } from '#shared/contract/studies.ts'
import { type Dimension, fewestSeeds, type StudyBudget } from '#shared/study.ts'
import { formatDateTime } from '../../format.ts'
import { t } from '../../words/index.ts'
import { writeNumber } from '../wizard/recipe-form.ts'
import {
  type DimensionEdit,
  dimensionKey,
  type ProposedDimension,
  settingTitle,
  withEdit,
  writeStudied,
} from './space-form.ts'
import { firstChoice, type StudyChoice } from './study-choice.ts'
import { typedHours, writeTime } from './study-hours.ts'

type Numeric = Exclude<StudyView['space'][number], { readonly kind: 'choice' }>

function widened({ path, low, high }: Numeric, { rangeEnds }: Pick<StudyView, 'rangeEnds'>) {
  const ends = new Map(rangeEnds.filter((one) => one.path === path).map(({ end, wider }) => [end, wider]))
  return { low: ends.get('low') ?? low, high: ends.get('high') ?? high }
}

/** What was searched is searched again, and nothing else; ranges at whose end the best trials lie are wider. */
export function widerSpace(
  view: Pick<StudyView, 'space' | 'rangeEnds'>,
  proposed: readonly ProposedDimension[],
): StudyChoice['space'] {
  return proposed.reduce<StudyChoice['space']>((edits, one) => {
    const known = view.space.find((dimension) => dimensionKey(dimension) === dimensionKey(one.dimension))
    return withEdit(edits, one, known === undefined ? { isIncluded: false } : editOf(known, view))
  }, {})
}

function editOf(known: StudyView['space'][number], view: Pick<StudyView, 'rangeEnds'>): DimensionEdit {
  if (known.kind === 'choice') return { isIncluded: true, values: known.values }
  const { low, high } = widened(known, view)
  return { isIncluded: true, low: writeNumber(low), high: writeNumber(high), isLog: known.isLog }
}

/** What is proposed, and what else was searched before: ranges of the terminal, or of a plan that stood otherwise. */
export function withSearched(
  proposed: readonly ProposedDimension[],
  space: StudyView['space'],
): readonly ProposedDimension[] {
  const own = new Map(space.map((dimension) => [dimensionKey(dimension), dimension]))
  const known = new Set(proposed.map(({ dimension }) => dimensionKey(dimension)))
  const reason = t('studies.start.searchedBefore')
  const more = space.flatMap((dimension): ProposedDimension[] =>
    known.has(dimensionKey(dimension)) ? [] : [{ dimension, isIncluded: false, reason }],
  )
  const depends = ({ dimension }: ProposedDimension): boolean => dimension.onlyWhen !== null
  return [
    // What depends on another one comes after that.
    ...more.filter((one) => !depends(one)),
    ...proposed.map((one) => ({
      ...one,
      dimension: joined(one.dimension, own.get(dimensionKey(one.dimension))),
    })),
    ...more.filter(depends),
  ]
}

function joined(proposed: Dimension, known: Dimension | undefined): Dimension {
  if (known === undefined) return proposed
  if (proposed.kind !== known.kind) return known
  if (proposed.kind !== 'choice' || known.kind !== 'choice') return proposed
  return { ...proposed, values: [...new Set([...proposed.values, ...known.values])] }
}

const hourMs = 3_600_000
const proposedByThorough = 5

/** As long, as hard and at the same hours as the search before, and by the same means. */
export function carriedOver({
  study: { budget, schedule, confirmingPlanned },
  pruning,
}: Pick<StudyView, 'study' | 'pruning'>): Partial<StudyChoice> {
  const seeds = confirmingPlanned / 2
  const effort = seeds >= proposedByThorough ? 'thorough' : budget.untilMs === null ? 'short' : 'night'
  return {
    effort,
    ...limitAgain(budget),
    isAtNight: schedule !== null,
    ...(schedule === null ? {} : { night: typedHours(schedule) }),
    isPruned: pruning !== null,
  }
}

/** One that ended by the clock ends when it is so late again. */
function limitAgain({ trials, workMs, untilMs }: StudyBudget): Partial<StudyChoice> {
  const besides = trials === null ? {} : { trials }
  if (untilMs !== null) {
    const at = new Date(untilMs)
    const until = writeTime(at.getHours() * 60 + at.getMinutes())
    return { limit: 'until', until, besides: { ...besides, ...(workMs === null ? {} : { workMs }) } }
  }
  if (workMs !== null) return { limit: 'hours', hours: String(workMs / hourMs), besides }
  return { limit: 'trials', trials: String(trials) }
}

/** What is left of it once its effort's own proposal is known: what that proposes too is no change. */
export function carriedOverProposal(
  view: StudyView,
  { dimensions, sampler, confirmSeeds }: Pick<StudyPlan, 'dimensions' | 'sampler' | 'confirmSeeds'>,
): Partial<StudyChoice> {
  const { study } = view
  const seeds = study.confirmingPlanned / 2
  // Searches of earlier versions were checked with fewer than can be compared.
  const isUsual = seeds === confirmSeeds || (seeds > 0 && seeds < fewestSeeds)
  return {
    space: widerSpace(view, dimensions),
    sampler: study.sampler === sampler ? null : study.sampler,
    confirmSeeds: isUsual ? null : String(seeds),
  }
}

const limitFields = ['limit', 'until', 'hours', 'trials', 'besides'] as const

/** What is carried over where a person has typed nothing yet: what they typed meanwhile stays. */
export function unlessTyped(choice: StudyChoice, carried: Partial<StudyChoice>): Partial<StudyChoice> {
  const isTyped = (field: keyof StudyChoice): boolean =>
    JSON.stringify(choice[field]) !== JSON.stringify(firstChoice[field])
  const isLimited = limitFields.some(isTyped)
  const isOwn = (field: string): boolean =>
    isTyped(field as keyof StudyChoice) || (isLimited && limitFields.some((one) => one === field))
  return {
    ...Object.fromEntries(Object.entries(carried).filter(([field]) => !isOwn(field))),
    ...(carried.space === undefined ? {} : { space: bothEdits(carried.space, choice.space) }),
  }
}

function bothEdits(carried: StudyChoice['space'], typed: StudyChoice['space']): StudyChoice['space'] {
  const own = Object.entries(typed).map(([key, edit]) => [key, { ...carried[key], ...edit }] as const)
  return { ...carried, ...Object.fromEntries(own) }
}

/** What cannot be carried over, in a sentence: an end on another day than the next. Empty where all is. */
export function leftBehind({ study: { budget, createdAtMs } }: Pick<StudyView, 'study'>): string {
  const { untilMs } = budget
  if (untilMs === null || untilMs - createdAtMs <= dayMs) return ''
  return t('studies.start.wasLonger', { when: formatDateTime(untilMs) })
}
const dayMs = 24 * hourMs

/** "How strongly it learns from 2e-5 to 0.02". */
export const widerWords = (view: Pick<StudyView, 'space' | 'rangeEnds'>): string =>
  view.space
    .flatMap((dimension) => {
      if (dimension.kind === 'choice' || !view.rangeEnds.some(({ path }) => path === dimension.path))
        return []
      const { low, high } = widened(dimension, view)
      const setting = settingTitle(dimension.path)
      return [t('studies.start.widerOf', { setting, low: writeStudied(low), high: writeStudied(high) })]
    })
    .join(', ')

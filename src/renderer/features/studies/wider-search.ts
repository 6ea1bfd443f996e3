// A new search that goes on where one ended, in wider ranges: what of the form it fills in. Pure but for the words.
import type { StudyView } from '#shared/contract/studies.ts'
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
import type { StudyChoice } from './study-choice.ts'

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

const hourMs = 3_600_000

/** As long as the search before; one that ended by the clock leaves its end to the effort. */
export function limitAgain({ study: { budget } }: Pick<StudyView, 'study'>): Partial<StudyChoice> {
  const { trials, workMs, untilMs } = budget
  if (untilMs !== null) return { effort: 'night' }
  if (workMs !== null) return { effort: 'short', limit: 'hours', hours: String(workMs / hourMs) }
  return { effort: 'short', limit: 'trials', trials: String(trials) }
}

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

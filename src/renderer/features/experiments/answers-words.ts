// What the screen of answers says of what it shows. Pure.
import { t } from '../../words/index.ts'

/** The heading: on how many rows the runs differ, or why there is nothing to compare. `names` are of the runs that stand here. */
export function titleOfAnswers(
  found: { readonly different: number } | null,
  names: readonly string[],
  rows: number,
): string {
  if (found === null) return t('experiments.answers.crumb')
  const [name, another] = names
  if (name === undefined) return t('experiments.answers.none')
  // The others were not measured, or on other rows: which, is said of each.
  if (another === undefined) return t('experiments.answers.one', { name })
  if (found.different === 0) return t('experiments.answers.same')
  return t('experiments.answers.heading', { different: found.different, count: rows })
}

/** Where no row has its question, why: what was asked stands in the rows only, and not in the journal. */
export const whyNotAsked = (answers: readonly { readonly prompt: string | null }[]): string | null =>
  answers.length > 0 && answers.every(({ prompt }) => prompt === null)
    ? t('experiments.answers.notAsked')
    : null

/** How many rows are here, and of which: the heading counts all, also those without the words that are looked for. */
export function rowsShown(
  found: {
    readonly answers: readonly unknown[]
    readonly total: number
    readonly asked: { readonly text: string }
  },
  all: number,
): string {
  const counts = { shown: found.answers.length, count: found.total }
  if (found.asked.text.trim() === '') return t('experiments.answers.rowsShown', counts)
  return t('experiments.answers.rowsFound', { ...counts, all })
}

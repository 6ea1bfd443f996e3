// Which languages of a person's rows a model does not name among its own. Pure.
import type { Language } from '#shared/contract/system.ts'

const englishNames = new Intl.DisplayNames('en', { type: 'language' })
const list = new Intl.ListFormat('en', { type: 'conjunction' })

/** What the rows themselves look like, by a guess; the project's language where they do not tell. */
export const rowLanguages = (language: Language, guessed: readonly string[]): readonly string[] =>
  guessed.length > 0 ? guessed : [englishNames.of(language) ?? language]

/** Of the rows' languages those that none of these models names, in words; empty where there are none. */
export function littleKnown(languagesOfModels: readonly string[], ofRows: readonly string[]): string {
  // Of a model whose languages nobody has said nothing can be said here either.
  if (languagesOfModels.includes('')) return ''
  const known = languagesOfModels.flatMap((languages) => languages.split(/, */))
  return list.format(ofRows.filter((language) => !known.includes(language)))
}

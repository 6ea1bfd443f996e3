// Where the words of a search were found in a run: in what the table shows, or else in its answers. Pure.
import type { ExperimentRow } from '#shared/contract/results.ts'
import { mayBeId } from '#shared/id-search.ts'

export const foundPlaces = ['name', 'notes', 'tags', 'id', 'answers'] as const
export type FoundPlace = (typeof foundPlaces)[number]

type Searched = Pick<ExperimentRow, 'name' | 'notes' | 'tags' | 'id'>

/** As the journal compares: without letter case and accents. */
const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
const wordsOf = (text: string): string[] => plain(text).match(/[\p{L}\p{N}]+/gu) ?? []

/** Every place that has one of the words, the nearest first; what no other place has must be in the answers. */
export function foundIn({ name, notes, tags, id }: Searched, text: string): FoundPlace[] {
  const wanted = wordsOf(text)
  if (wanted.length === 0) return []
  const words = { name: wordsOf(name), notes: wordsOf(notes), tags: wordsOf(tags.join(' ')) }
  const has = (place: keyof typeof words, word: string): boolean =>
    words[place].some((one) => one.startsWith(word))
  const isId = mayBeId(text) && plain(id).includes(plain(text).trim())
  const inText = (['name', 'notes', 'tags'] as const).filter((place) =>
    wanted.some((word) => has(place, word)),
  )
  const isRest = !isId && wanted.some((word) => inText.every((place) => !has(place, word)))
  return [...inText, ...(isId ? ['id' as const] : []), ...(isRest ? ['answers' as const] : [])]
}

// Between the names of an answer and their places in the text: where each name stands, which tag each word has, and back.
import { outsideTag, tagsOfKind } from '../training/class-names.ts'
import { type NamedEntity, readEntities } from './entity-marks.ts'

/** In UTF-16 units. */
export interface Place {
  readonly start: number
  readonly end: number
}

/** Runs of letters and digits; every other visible character is a word by itself. */
export function wordsOf(text: string): readonly Place[] {
  return [...text.matchAll(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu)].map(({ index, 0: { length } }) => ({
    start: index,
    end: index + length,
  }))
}

const isInWord = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{M}\p{N}]/u.test(character)

const escaped = (words: string): string => words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The first place at or behind `from`, rather one that cuts no word in two; null where the words are not there. */
function placeOf(text: string, { words }: NamedEntity, from: number): Place | null {
  // White space in an answer is one blank, whatever it was in the text.
  const pattern = new RegExp(words.split(' ').map(escaped).join('\\s+'), 'gu')
  pattern.lastIndex = from
  let first: Place | null = null
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const place = { start: match.index, end: match.index + match[0].length }
    if (!isInWord(text[place.start - 1]) && !isInWord(text[place.end])) return place
    first ??= place
    pattern.lastIndex = match.index + 1
  }
  return first
}

export interface PlacedName extends Place {
  readonly kind: string
}

/** Where the names of an answer stand, each looked for behind the one before; those that the text has not are left out. */
export function placeNames(text: string, answer: string): PlacedName[] {
  const placed: PlacedName[] = []
  for (const entity of readEntities(answer).entities) {
    const place = placeOf(text, entity, placed.at(-1)?.end ?? 0)
    if (place !== null) placed.push({ kind: entity.kind, ...place })
  }
  return placed
}

/**
 * The tag of every word. Names are in the order of the text, so each is looked for behind the one before; one inside
 * another has no tag of its own, for a word has one.
 */
export function tagWords(text: string, words: readonly Place[], answer: string): readonly string[] {
  const tags = words.map(() => outsideTag)
  for (const { kind, start, end } of placeNames(text, answer)) {
    const [begins, goesOn] = tagsOfKind(kind)
    let tag = begins
    for (const [index, word] of words.entries()) {
      if (word.end <= start || word.start >= end) continue
      tags[index] = tag
      tag = goesOn
    }
  }
  return tags
}

/** The answer that tagged words stand for, one `KIND: words` a line. A name may begin with the tag of its further words. */
export function answerOfTags(text: string, words: readonly Place[], tags: readonly string[]): string {
  const names: { kind: string; start: number; end: number }[] = []
  let kindBefore: string | null = null
  for (const [index, tag] of tags.entries()) {
    const kind = tag === outsideTag ? null : tag.slice(2)
    const { start, end } = words[index]!
    if (kind !== null && kind === kindBefore && tag.startsWith('I-')) names.at(-1)!.end = end
    else if (kind !== null) names.push({ kind, start, end })
    kindBefore = kind
  }
  const lines = names.map(({ kind, start, end }) => `${kind}: ${text.slice(start, end).replace(/\s+/g, ' ')}`)
  return lines.length === 0 ? 'none' : lines.join('\n')
}

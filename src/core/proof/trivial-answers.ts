// What can be answered without any model, from the rows that were learnt from: the label that most of them have; or of
// names those that they marked (the baseline of Tjong Kim Sang and De Meulder 2003). Whoever does not beat it has learnt
// nothing that is worth a model.
import type { ScenarioId } from '#shared/recipe.ts'
import type { PromptedExample } from '#shared/rows.ts'
import { readEntities } from '../scenarios/entity-marks.ts'
import { answerOfTags, type Place, wordsOf } from '../scenarios/entity-spans.ts'
import { outsideTag, tagsOfKind } from '../training/class-names.ts'
import type { AskedRow, SubjectAnswer } from './measured-answers.ts'

export interface TrivialWay {
  readonly kind: 'most-frequent-label' | 'known-names'
  /** The label that is always answered; null where names are looked up. */
  readonly label: string | null
  answer(text: string): string
}

/** Null where nothing trivial answers: of rows with free texts, and where no row was learnt from. */
export function trivialWay(
  scenario: ScenarioId,
  learnt: readonly Pick<PromptedExample, 'answer'>[],
): TrivialWay | null {
  if (learnt.length === 0) return null
  if (scenario === 'classification') {
    const label = mostFrequent(learnt.map(({ answer }) => answer))
    return { kind: 'most-frequent-label', label, answer: () => label }
  }
  if (scenario !== 'entity-recognition') return null
  const names = knownNames(learnt)
  return { kind: 'known-names', label: null, answer: (text) => findNames(text, names) }
}

/** As a subject answers that is measured: no loss is known of it. */
export function trivialAnswers(way: TrivialWay, rows: readonly AskedRow[]): SubjectAnswer[] {
  return rows.map(({ prompt }) => ({
    text: way.answer(prompt.at(-1)?.content ?? ''),
    lossNats: 0,
    answerTokens: 0,
    labelLogProbs: null,
    labelTokens: null,
    isCut: false,
    run: null,
  }))
}

/** Of equals the first by its letters. */
function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]![0]
}

interface KnownNames {
  /** By their words, one blank between two; only names that were always of one kind. */
  readonly kinds: ReadonlyMap<string, string>
  readonly mostWords: number
}

const wordsIn = (text: string, places: readonly Place[]): string[] =>
  places.map(({ start, end }) => text.slice(start, end))

function knownNames(learnt: readonly Pick<PromptedExample, 'answer'>[]): KnownNames {
  const kinds = new Map<string, Set<string>>()
  let mostWords = 0
  for (const { kind, words } of learnt.flatMap(({ answer }) => readEntities(answer).entities)) {
    const places = wordsOf(words)
    const name = wordsIn(words, places).join(' ')
    kinds.set(name, (kinds.get(name) ?? new Set()).add(kind))
    mostWords = Math.max(mostWords, places.length)
  }
  const single = [...kinds].flatMap(([name, of]): [string, string][] =>
    of.size === 1 ? [[name, [...of][0]!]] : [],
  )
  return { kinds: new Map(single), mostWords }
}

/** From the left, at each word the longest name that begins there. */
function findNames(text: string, { kinds, mostWords }: KnownNames): string {
  const places = wordsOf(text)
  const words = wordsIn(text, places)
  const tags = words.map(() => outsideTag)
  let at = 0
  while (at < words.length) {
    let length = Math.min(mostWords, words.length - at)
    while (length > 0 && !kinds.has(words.slice(at, at + length).join(' '))) length -= 1
    if (length > 0) {
      const [begins, goesOn] = tagsOfKind(kinds.get(words.slice(at, at + length).join(' '))!)
      tags.fill(goesOn, at, at + length)
      tags[at] = begins
    }
    at += Math.max(1, length)
  }
  return answerOfTags(text, places, tags)
}

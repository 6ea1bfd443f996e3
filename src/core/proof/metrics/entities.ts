// Scores named entities as seqeval 1.2.2 does: one counts where its kind and its place are right. From tags, and from the
// lines that a model answers with, "KIND: words".
import { type NamedEntity, readEntities } from '../../scenarios/entity-marks.ts'
import { countCommon, countNgrams } from './python-text.ts'

export interface Entity {
  readonly kind: string
  /** Tokens [start, end). */
  readonly start: number
  readonly end: number
}

/**
 * Entities of one sentence's BIO tags, "B-PER", "I-PER", "O". `lenient` as seqeval's default and conlleval: an I without a
 * beginning, or of another kind than before it, begins one; `strict` as its strict IOB2: such an I belongs to none.
 */
export function entitiesOfTags(tags: readonly string[], mode: 'lenient' | 'strict'): Entity[] {
  const entities: Entity[] = []
  let open: { kind: string; start: number } | null = null
  const close = (end: number): void => {
    if (open) entities.push({ ...open, end })
    open = null
  }
  for (const [at, tag] of [...tags, 'O'].entries()) {
    const kind = tag.slice(2) || '_'
    const isInside: boolean = tag.startsWith('I') && open !== null && (open as Entity).kind === kind
    if (isInside) continue
    close(at)
    if (tag.startsWith('B') || (mode === 'lenient' && tag.startsWith('I'))) open = { kind, start: at }
  }
  return entities
}

export interface EntityCounts {
  readonly right: number
  readonly named: number
  readonly expected: number
}

/** [right, named, expected] to precision, recall and F1; 0 where 0/0. */
export function entityScores({ right, named, expected }: EntityCounts) {
  return {
    precision: named === 0 ? 0 : right / named,
    recall: expected === 0 ? 0 : right / expected,
    f1: named + expected === 0 ? 0 : (2 * right) / (named + expected),
  }
}

const keyOf = ({ kind, words }: NamedEntity): string => `${kind.toLowerCase()} ${words.replace(/\s+/gu, ' ')}`

/**
 * Counts of one row, of all kinds or of one. An answer gives words and no places, so the n-th time that it names the same
 * words as the same kind stands for the n-th of them that was expected; naming more is wrong. A malformed line counts as
 * named and wrong.
 */
export function countEntities(answer: string, expected: string, kind: string | null = null): EntityCounts {
  const isCounted = (entity: NamedEntity): boolean =>
    kind === null || entity.kind.toLowerCase() === kind.toLowerCase()
  const { entities, malformed } = readEntities(answer)
  const given = entities.filter(isCounted)
  const wanted = readEntities(expected).entities.filter(isCounted)
  const right = countCommon(countNgrams(given.map(keyOf), 1), countNgrams(wanted.map(keyOf), 1))
  return { right, named: given.length + (kind === null ? malformed : 0), expected: wanted.length }
}

/** True where every line is an entity of a known kind (in lower case), or the answer says that there are none. */
export function keepsEntityForm(answer: string, kinds: ReadonlySet<string>): boolean {
  const { entities, malformed } = readEntities(answer)
  if (answer.trim() === '' || malformed > 0) return false
  return entities.every(({ kind }) => kinds.has(kind.toLowerCase()))
}

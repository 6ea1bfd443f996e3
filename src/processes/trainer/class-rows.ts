// Rows as a classification head wants them: the text alone, as the tokenizer alone makes it, and the class at the places
// that are asked. A class is an index into the names of the data's classes.
import { type Place, tagWords, wordsOf } from '#core/scenarios/entity-spans.ts'
import type { ModelConfig } from '#engine/index.ts'
import type { Tokenizer } from '#formats/tokenizer.ts'
import { ignoredLabel } from '#shared/labels.ts'

export interface ClassedText {
  readonly ids: readonly number[]
  /** The class of each token; -100 where none is asked. */
  readonly labels: readonly number[]
}

/** Two texts that differ show what a tokenizer puts around every text. */
function frameOf(tokenizer: Tokenizer): {
  readonly before: readonly number[]
  readonly behind: readonly number[]
} {
  const bare = tokenizer.encode('a')
  const framed = tokenizer.encode('a', { addSpecialTokens: true })
  const at = framed.findIndex((_, start) => bare.every((id, i) => framed[start + i] === id))
  return { before: framed.slice(0, at), behind: framed.slice(at + bare.length) }
}

/** A whole text has one class, at the token that the family classifies texts by. */
export function classedText(
  tokenizer: Tokenizer,
  { output }: Pick<ModelConfig, 'output'>,
  text: string,
  label: number,
): ClassedText {
  const ids = tokenizer.encode(text, { addSpecialTokens: true })
  const asked = output.textToken === 'first' ? 0 : ids.length - 1
  return { ids, labels: ids.map((_, place) => (place === asked ? label : ignoredLabel)) }
}

/** Of a text whose words are classified: also where the words stand, those that have a token. */
export interface TaggedText extends ClassedText {
  readonly words: readonly Place[]
}

/**
 * Each word has its class at its first token. Words are encoded one by one, each with the white space before it, so that
 * it is known which tokens are whose.
 */
export function taggedText(
  tokenizer: Tokenizer,
  classNames: readonly string[],
  text: string,
  answer: string,
): TaggedText {
  const { before, behind } = frameOf(tokenizer)
  const all = wordsOf(text)
  const tags = tagWords(text, all, answer)
  const ids = [...before]
  const labels = before.map(() => ignoredLabel)
  const words: Place[] = []
  for (const [index, word] of all.entries()) {
    const tokens = tokenizer.encode(text.slice(all[index - 1]?.end ?? 0, word.end))
    if (tokens.length === 0) continue
    ids.push(...tokens)
    labels.push(classNames.indexOf(tags[index]!), ...tokens.slice(1).map(() => ignoredLabel))
    words.push(word)
  }
  return { ids: [...ids, ...behind], labels: [...labels, ...behind.map(() => ignoredLabel)], words }
}

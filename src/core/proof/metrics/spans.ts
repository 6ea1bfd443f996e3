// Runs of words: what was copied from a document, what repeats the training texts, how varied the wording is. Words are
// runs of letters and digits of any script; in scripts without blanks between words every character is one.

/** Characters of the scripts that write no blanks between words, for a class of a regular expression. */
const spaceless = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`
export const spacelessLetters = new RegExp(`[${spaceless}]`, 'gu')
const words = new RegExp(String.raw`[${spaceless}]\p{M}*|(?:(?![${spaceless}])[\p{L}\p{N}\p{M}])+`, 'gu')

/** Words in lower case, without marks. */
export const spanWords = (text: string): string[] => text.toLowerCase().match(words) ?? []

/** Every run of `n` words, as often as it stands there. */
export function spansOf(text: string, n: number): string[] {
  const parts = spanWords(text)
  return Array.from({ length: Math.max(0, parts.length - n + 1) }, (_, at) =>
    parts.slice(at, at + n).join(' '),
  )
}

/** [runs of `n` words of the answer that stand in the document, runs of the answer] */
export function copiedSpans(answer: string, document: string, n: number): [number, number] {
  const source = new Set(spansOf(document, n))
  const spans = spansOf(answer, n)
  return [spans.filter((span) => source.has(span)).length, spans.length]
}

/**
 * Which of these answers' runs of `n` words stand in one of the texts. The answers' runs are kept and the texts are passed
 * by, so that a large training set takes no memory.
 */
export function memorisedSpans(
  answers: readonly string[],
  texts: readonly string[],
  n: number,
): ReadonlySet<string> {
  const written = new Set(answers.flatMap((answer) => spansOf(answer, n)))
  const found = new Set<string>()
  if (written.size === 0) return found
  for (const text of texts) for (const span of spansOf(text, n)) if (written.has(span)) found.add(span)
  return found
}

/**
 * For each answer its part of the different runs of `n` words, and its runs: the sums' ratio is distinct-n of all answers
 * together (Li et al. 2016). A run that several answers share counts for each of them by its share, so that drawing an
 * answer twice does not look like repetition.
 */
export function distinctSpans(answers: readonly string[], n: number): [number, number][] {
  const spans = answers.map((answer) => spansOf(answer, n))
  const holders = new Map<string, number>()
  for (const own of spans) for (const span of new Set(own)) holders.set(span, (holders.get(span) ?? 0) + 1)
  return spans.map((own) => {
    const part = [...new Set(own)].reduce((sum, span) => sum + 1 / holders.get(span)!, 0)
    return [part, own.length]
  })
}

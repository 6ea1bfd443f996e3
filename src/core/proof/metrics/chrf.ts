// chrF++ (Popović 2017) from sums over rows, as sacrebleu 2.6 computes it: characters up to 6 without white space, words
// up to 2, beta 2. Scores are shares of 1.
import { type Counts, countAll, countCommon, countNgrams, pythonWords, withoutSpace } from './python-text.ts'

const characterOrder = 6
const wordOrder = 2
const beta = 2
/** For every order: n-grams of the answer, n-grams of the expected text, matches. */
export const chrfWidth = 3 * (characterOrder + wordOrder)

const punctuation = /^[!-/:-@[-`{-~]$/u

/** A mark at the end of a word, else one at its beginning, is a word of its own. */
function chrfWords(text: string): string[] {
  return pythonWords(text).flatMap((word) => {
    const characters = [...word]
    if (characters.length === 1) return [word]
    const [first, last] = [characters[0]!, characters.at(-1)!]
    if (punctuation.test(last)) return [characters.slice(0, -1).join(''), last]
    if (punctuation.test(first)) return [first, characters.slice(1).join('')]
    return [word]
  })
}

function ngramsOf(text: string): Counts[] {
  const characters = [...withoutSpace(text)]
  const words = chrfWords(text)
  return [
    ...Array.from({ length: characterOrder }, (_, n) => countNgrams(characters, n + 1, '')),
    ...Array.from({ length: wordOrder }, (_, n) => countNgrams(words, n + 1)),
  ]
}

/** What one row adds, see `chrfWidth`. N-grams of an order that the expected text is too short for are not counted. */
export function chrfStatistics(answer: string, expected: string): number[] {
  const wanted = ngramsOf(expected)
  return ngramsOf(answer).flatMap((given, at) => {
    const other = wanted[at]!
    return [other.size === 0 ? 0 : countAll(given), countAll(other), countCommon(given, other)]
  })
}

/** F-score (recall counts beta squared times) of precision and recall, each averaged over the orders that both sides reach. */
export function chrfOf(sums: ArrayLike<number>, orders = characterOrder + wordOrder): number {
  let [precision, recall, reached] = [0, 0, 0]
  for (let n = 0; n < orders; n += 1) {
    const [given, wanted, common] = [sums[3 * n]!, sums[3 * n + 1]!, sums[3 * n + 2]!]
    if (given === 0 || wanted === 0) continue
    precision += common / given
    recall += common / wanted
    reached += 1
  }
  if (precision + recall === 0) return 0
  precision /= reached
  recall /= reached
  return ((1 + beta ** 2) * precision * recall) / (beta ** 2 * precision + recall)
}

/** chrF without the words: the first six orders of the same sums. */
export const plainChrfOf = (sums: ArrayLike<number>): number => chrfOf(sums, characterOrder)

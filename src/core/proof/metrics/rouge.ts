// ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum (Lin 2004) as rouge_score 0.1.2 computes them: words of a to z and digits in
// lower case, with Porter's stemmer where asked for. A text in another script has no such words; see `RougeTokenizer`.
import { porterStem } from './porter-stemmer.ts'
import { countAll, countCommon, countNgrams } from './python-text.ts'
import { spanWords } from './spans.ts'

/** `stemmed` takes endings off; `unicode` is ours, for scripts that the reference has no words in. */
export type RougeTokenizer = 'plain' | 'stemmed' | 'unicode'

export interface RougeScore {
  readonly precision: number
  readonly recall: number
  /** Their harmonic mean. */
  readonly f: number
}

export function rougeTokens(text: string, tokenizer: RougeTokenizer): string[] {
  if (tokenizer === 'unicode') return spanWords(text)
  const words = text
    .toLowerCase()
    .split(/[^a-z0-9]+/u)
    .filter((word) => word !== '')
  return tokenizer === 'plain' ? words : words.map((word) => (word.length > 3 ? porterStem(word) : word))
}

function scoreOf(hits: number, given: number, wanted: number): RougeScore {
  const precision = given === 0 ? 0 : hits / given
  const recall = wanted === 0 ? 0 : hits / wanted
  const f = precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0
  return { precision, recall, f }
}

/** Runs of `n` words in common. */
export function rougeN(answer: string, expected: string, n: 1 | 2, tokenizer: RougeTokenizer): RougeScore {
  const given = countNgrams(rougeTokens(answer, tokenizer), n)
  const wanted = countNgrams(rougeTokens(expected, tokenizer), n)
  return scoreOf(countCommon(wanted, given), countAll(given), countAll(wanted))
}

/** The longest common subsequence of the texts as a whole. */
export function rougeL(answer: string, expected: string, tokenizer: RougeTokenizer): RougeScore {
  const given = rougeTokens(answer, tokenizer)
  const wanted = rougeTokens(expected, tokenizer)
  return scoreOf(commonPlaces(wanted, given).length, given.length, wanted.length)
}

/**
 * Line by line: for each expected line the words that stand in a longest common subsequence with any line of the answer;
 * no word counts more often than it stands in either text.
 */
export function rougeLsum(answer: string, expected: string, tokenizer: RougeTokenizer): RougeScore {
  const linesOf = (text: string): string[][] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => rougeTokens(line, tokenizer))
  const [given, wanted] = [linesOf(answer), linesOf(expected)]
  const left = [given, wanted].map((lines) => new Map(countNgrams(lines.flat(), 1)))
  let hits = 0
  for (const line of wanted) {
    const places = new Set(given.flatMap((other) => commonPlaces(line, other)))
    for (const place of [...places].sort((a, b) => a - b)) {
      const word = line[place]!
      if (left.some((counts) => (counts.get(word) ?? 0) === 0)) continue
      hits += 1
      for (const counts of left) counts.set(word, counts.get(word)! - 1)
    }
  }
  return scoreOf(hits, given.flat().length, wanted.flat().length)
}

/** Places in `wanted` of one longest common subsequence; of several the one that the reference's walk back finds. */
function commonPlaces(wanted: readonly string[], given: readonly string[]): number[] {
  const width = given.length + 1
  const lengths = new Int32Array((wanted.length + 1) * width)
  for (let i = 1; i <= wanted.length; i += 1)
    for (let j = 1; j < width; j += 1)
      lengths[i * width + j] =
        wanted[i - 1] === given[j - 1]
          ? lengths[(i - 1) * width + j - 1]! + 1
          : Math.max(lengths[(i - 1) * width + j]!, lengths[i * width + j - 1]!)
  const places: number[] = []
  for (let [i, j] = [wanted.length, given.length]; i > 0 && j > 0; ) {
    if (wanted[i - 1] === given[j - 1]) {
      places.push(i - 1)
      i -= 1
      j -= 1
    } else if (lengths[i * width + j - 1]! > lengths[(i - 1) * width + j]!) j -= 1
    else i -= 1
  }
  return places.reverse()
}

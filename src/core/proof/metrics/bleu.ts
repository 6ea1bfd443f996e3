// Corpus BLEU (Papineni et al. 2002) from sums over rows, as sacrebleu 2.6 computes it: n-grams up to 4, smoothing "exp",
// and its tokenizers 13a, intl, zh and char. Scores are shares of 1.
import {
  applyRules,
  countAll,
  countCommon,
  countNgrams,
  pythonTrimEnd,
  pythonWords,
  type Rule,
} from './python-text.ts'

export const bleuTokenizers = ['13a', 'intl', 'zh', 'char'] as const
export type BleuTokenizer = (typeof bleuTokenizers)[number]

const order = 4
/** [length of the answer, length of the expected text, matches of 1- to 4-grams, 1- to 4-grams of the answer] */
export const bleuWidth = 2 + 2 * order

/** Marks and symbols of ASCII stand alone; periods and commas too unless between digits; a dash after a digit too. */
const westernRules: readonly Rule[] = [
  [/([{-~[-` -&(-+:-@/])/gu, ' $1 '],
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  [/([0-9])(-)/gu, '$1 $2 '],
]
const internationalRules: readonly Rule[] = [
  [/(\P{N})(\p{P})/gu, '$1 $2 '],
  [/(\p{P})(\P{N})/gu, ' $1 $2'],
  [/(\p{S})/gu, ' $1 '],
]
const escapes: readonly Rule[] = [
  [/<skipped>/gu, ''],
  [/-\n/gu, ''],
  [/\n/gu, ' '],
  [/&quot;/gu, '"'],
  [/&amp;/gu, '&'],
  [/&lt;/gu, '<'],
  [/&gt;/gu, '>'],
]
/**
 * What the reference takes for Chinese. Two of its ranges are written with five digits after \u, which Python reads as a
 * character of four digits and another; so 2001 to 2A6D and 2F81 to 2FA1 are split too, and nothing beyond the BMP is.
 */
const chinese =
  /([\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\u2001-\u2a6d\u2f81-\u2fa1\uff00-\uffef\u2e80-\u2eff\u3000-\u303f\u31c0-\u31ef\u2f00-\u2fdf\u2ff0-\u2fff\u3100-\u312f\u31a0-\u31bf\ufe10-\ufe1f\ufe30-\ufe4f\u3200-\u33ff])/gu

const tokenizers: Readonly<Record<BleuTokenizer, (line: string) => string>> = {
  '13a': (line) => applyRules(` ${applyRules(line, escapes)} `, westernRules),
  intl: (line) => applyRules(line, internationalRules),
  zh: (line) => applyRules(line.replace(chinese, ' $1 '), westernRules),
  char: (line) => [...line].join(' '),
}

export const bleuTokens = (text: string, tokenizer: BleuTokenizer): string[] =>
  pythonWords(tokenizers[tokenizer](pythonTrimEnd(text)))

/** What one row adds, see `bleuWidth`. */
export function bleuStatistics(answer: string, expected: string, tokenizer: BleuTokenizer): number[] {
  const given = bleuTokens(answer, tokenizer)
  const wanted = bleuTokens(expected, tokenizer)
  const matches: number[] = []
  const totals: number[] = []
  for (let n = 1; n <= order; n += 1) {
    const ngrams = countNgrams(given, n)
    matches.push(countCommon(ngrams, countNgrams(wanted, n)))
    totals.push(countAll(ngrams))
  }
  return [given.length, wanted.length, ...matches, ...totals]
}

/**
 * Geometric mean of the precisions times the brevity penalty. An order without a match counts as half a match, the next
 * one as a quarter. With `isEffectiveOrder` orders that the answer is too short for are left out (for single rows).
 */
export function bleuOf(sums: ArrayLike<number>, isEffectiveOrder = false): number {
  const [given, wanted] = [sums[0]!, sums[1]!]
  const matches = Array.from({ length: order }, (_, n) => sums[2 + n]!)
  const totals = Array.from({ length: order }, (_, n) => sums[2 + order + n]!)
  if (matches.every((count) => count === 0)) return 0
  let [smoothing, logs, orders] = [1, 0, 0]
  for (const [n, match] of matches.entries()) {
    const total = totals[n]!
    if (total === 0) break
    orders += 1
    if (match === 0) smoothing *= 2
    logs += Math.log(match === 0 ? 1 / (smoothing * total) : match / total)
  }
  // The reference gives an order that no answer is long enough for the logarithm -9999999999, hence 0.
  if (orders < order && !isEffectiveOrder) return 0
  const brevity = given < wanted ? Math.exp(1 - wanted / given) : 1
  return brevity * Math.exp(logs / orders)
}

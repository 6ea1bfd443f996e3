// Translation edit rate (Snover et al. 2006) from sums over rows, as sacrebleu 2.6 and tercom compute it: insertions,
// deletions, substitutions and shifts of phrases, each one edit, by the length of the expected text.
import { beamEdits, type Edits, editsOf } from './beam-edits.ts'
import { applyRules, pythonTrimEnd, pythonWords, type Rule } from './python-text.ts'

/** [edits, words expected] */
export const terWidth = 2

const longestShift = 10
const farthestShift = 50
const mostCandidates = 1000

const asianMarks = /([\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb])/gu
const wideMarks = /([\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09])/gu
/** Lines are joined, marks stand alone, as in tercom's normalisation; the text has a blank before and after it. */
const joiningRules: readonly Rule[] = [
  [/\n-/gu, ''],
  [/\n/gu, ' '],
  [/&quot;/gu, '"'],
  [/&amp;/gu, '&'],
  [/&lt;/gu, '<'],
  [/&gt;/gu, '>'],
]
const westernRules: readonly Rule[] = [
  [/([{-~[-` -&(-+:-@/])/gu, ' $1 '],
  [/'s /gu, " 's "],
  [/([^0-9])([.,])/gu, '$1 $2 '],
  [/([.,])([^0-9])/gu, ' $1 $2'],
  [/([0-9])(-)/gu, '$1 $2 '],
]
/** Chinese characters stand alone; runs of kana that are a whole text are kept, as the reference does. */
const asianRules: readonly Rule[] = [
  [/([\u4e00-\u9fff\u3400-\u4dbf])/gu, ' $1 '],
  [/([\u31c0-\u31ef\u2e80-\u2eff])/gu, ' $1 '],
  [/([\u3300-\u33ff\uf900-\ufaff\ufe30-\ufe4f])/gu, ' $1 '],
  [/([\u3200-\u3f22])/gu, ' $1 '],
  [asianMarks, ' $1 '],
  [wideMarks, ' $1 '],
]

/** `plain` is sacrebleu's default; `asian` its options normalized and asian_support, for text without blanks. */
export type TerTokenizer = 'plain' | 'asian'

export function terTokens(text: string, tokenizer: TerTokenizer): string[] {
  const lower = pythonTrimEnd(text).toLowerCase()
  if (tokenizer === 'plain' || lower === '') return pythonWords(lower)
  const joined = applyRules(lower, joiningRules)
  return pythonWords(applyRules(` ${joined} `, [...westernRules, ...asianRules]))
}

/** What one row adds, see `terWidth`. */
export function terStatistics(answer: string, expected: string, tokenizer: TerTokenizer): number[] {
  const given = terTokens(answer, tokenizer)
  // The reference program normalises the expected text twice; a second time changes little, but not nothing.
  const wanted = terTokens(terTokens(expected, tokenizer).join(' '), tokenizer)
  return [countEdits(given, wanted), wanted.length]
}

/** Edits by expected words; 1 where nothing was expected and something came. May exceed 1. */
export function terOf(sums: ArrayLike<number>): number {
  const [edits, wanted] = [sums[0]!, sums[1]!]
  return wanted > 0 ? edits / wanted : edits > 0 ? 1 : 0
}

function countEdits(given: readonly string[], wanted: readonly string[]): number {
  if (wanted.length === 0) return given.length
  let words = given
  let shifts = 0
  const budget = { candidates: 0 }
  for (;;) {
    const edits = beamEdits(words, wanted)
    const best = bestShift(words, wanted, edits, budget)
    if (budget.candidates >= mostCandidates || best === null || best.gain <= 0) return shifts + edits.distance
    shifts += 1
    words = best.words
  }
}

interface Shift {
  readonly gain: number
  readonly length: number
  readonly start: number
  readonly target: number
  readonly words: readonly string[]
}

/** Tercom's ranking: the greatest gain, then the longest phrase, the earliest one, the earliest place. */
const rank = (one: Shift, other: Shift): number =>
  one.gain - other.gain || one.length - other.length || other.start - one.start || other.target - one.target

function bestShift(
  words: readonly string[],
  wanted: readonly string[],
  edits: Edits,
  budget: { candidates: number },
): Shift | null {
  const { alignment, isWantedWrong, isGivenWrong } = edits
  const hasError = (errors: readonly boolean[], from: number, length: number): boolean =>
    errors.slice(from, from + length).includes(true)
  let best: Shift | null = null
  for (const { start, place, length } of commonPhrases(words, wanted)) {
    if (!hasError(isGivenWrong, start, length) || !hasError(isWantedWrong, place, length)) continue
    const aligned = alignment[place]!
    if (aligned >= start && aligned < start + length) continue
    let previous = -1
    for (let offset = -1; offset < length; offset += 1) {
      const target = targetOf(alignment, place + offset)
      if (target === null) break
      if (target === previous) continue
      previous = target
      const shifted = shiftWords(words, start, length, target)
      const gain = edits.distance - editsOf(shifted, wanted, edits)
      const candidate = { gain, length, start, target, words: shifted }
      budget.candidates += 1
      if (best === null || rank(candidate, best) > 0) best = candidate
    }
    if (budget.candidates >= mostCandidates) break
  }
  return best
}

/** Before which word of the answer a phrase goes that belongs after the expected word `place`; null beyond the end. */
function targetOf(alignment: readonly number[], place: number): number | null {
  if (place === -1) return 0
  const aligned = alignment[place]
  return aligned === undefined ? null : aligned + 1
}

/** Every phrase of the answer that stands in the expected text too, not too far away. */
function* commonPhrases(
  words: readonly string[],
  wanted: readonly string[],
): Generator<{ start: number; place: number; length: number }> {
  for (let start = 0; start < words.length; start += 1)
    for (let place = 0; place < wanted.length; place += 1) {
      if (Math.abs(place - start) > farthestShift) continue
      for (let length = 0; length < longestShift; ) {
        const [word, other] = [words[start + length], wanted[place + length]]
        if (word === undefined || word !== other) break
        length += 1
        yield { start, place, length }
      }
    }
}

function shiftWords(
  words: readonly string[],
  start: number,
  length: number,
  target: number,
): readonly string[] {
  const end = start + length
  const phrase = words.slice(start, end)
  if (target < start)
    return [...words.slice(0, target), ...phrase, ...words.slice(target, start), ...words.slice(end)]
  const after = target > end ? target : length + target
  return [...words.slice(0, start), ...words.slice(end, after), ...phrase, ...words.slice(after)]
}

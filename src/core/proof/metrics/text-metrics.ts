// Scores one written answer against what was expected: exact match and token F1 with the SQuAD normalisation
// (Rajpurkar et al. 2016). Empty answers follow SQuAD 2.0: empty against empty is right.
import { countCommon, countNgrams, pythonWords } from './python-text.ts'

/** The ASCII punctuation that Python's string.punctuation lists and the SQuAD script removes. */
const punctuation = /[!-/:-@[-`{-~]/gu
/** An English article as a whole word; letters, digits and "_" of any script count as word characters. */
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu
/** The words that count: lower case, without punctuation and articles. */
export function answerWords(text: string): string[] {
  return pythonWords(text.toLowerCase().replace(punctuation, '').replace(articles, ' '))
}

export const normalizeAnswer = (text: string): string => answerWords(text).join(' ')

/** 1 where both say the same after normalisation, else 0. */
export function exactMatch(answer: string, expected: string): number {
  return normalizeAnswer(answer) === normalizeAnswer(expected) ? 1 : 0
}

/** Harmonic mean of word precision and recall, words counted with multiplicity; from 0 to 1. */
export function tokenF1(answer: string, expected: string): number {
  const given = answerWords(answer)
  const wanted = answerWords(expected)
  if (given.length === 0 || wanted.length === 0) return given.length === wanted.length ? 1 : 0
  const common = countCommon(countNgrams(given, 1), countNgrams(wanted, 1))
  if (common === 0) return 0
  const precision = common / given.length
  const recall = common / wanted.length
  return (2 * precision * recall) / (precision + recall)
}

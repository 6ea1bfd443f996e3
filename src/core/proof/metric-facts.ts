// What a metric has to know about the data beyond one row: labels, kinds of entities, training texts, and the script,
// which decides how words are found.
import type { MetricName } from '#shared/metrics.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { kindsIn } from '../scenarios/entity-marks.ts'
import type { AskedRow } from './measured-answers.ts'
import type { BleuTokenizer } from './metrics/bleu.ts'
import type { RougeTokenizer } from './metrics/rouge.ts'
import { spacelessLetters } from './metrics/spans.ts'
import type { TerTokenizer } from './metrics/ter.ts'

export interface DataFacts {
  readonly scenario: ScenarioId
  /** Labels to choose from; null where answers are free text. */
  readonly labels: readonly string[] | null
  /** Kinds of entities that the data knows, in lower case. */
  readonly kinds: ReadonlySet<string>
  /** The answers that were learnt from; empty where no metric asks for them. */
  readonly trainingTexts: readonly string[]
  readonly bleuTokenizer: BleuTokenizer
  readonly rougeTokenizer: RougeTokenizer
  readonly terTokenizer: TerTokenizer
}

export function factsOf(
  scenario: ScenarioId,
  labels: readonly string[] | null,
  rows: readonly AskedRow[],
  trainingTexts: readonly string[],
): DataFacts {
  const expected = rows.map((row) => row.expected)
  const known = scenario === 'entity-recognition' ? [...expected, ...trainingTexts] : []
  const kinds = new Set(known.flatMap(kindsIn).map((kind) => kind.toLowerCase()))
  return { scenario, labels, kinds, trainingTexts, ...tokenizersFor(expected) }
}

/**
 * By the script of most letters. Chinese has a tokenizer in BLEU; other scripts without blanks are taken character by
 * character. rouge_score knows only a to z: where most letters are others, words of any script are counted instead.
 */
export function tokenizersFor(
  texts: readonly string[],
): Pick<DataFacts, 'bleuTokenizer' | 'rougeTokenizer' | 'terTokenizer'> {
  const count = (pattern: RegExp): number =>
    texts.reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0)
  const letters = count(/\p{L}/gu)
  const han = count(/\p{Script=Han}/gu)
  const isSpaceless = 2 * count(spacelessLetters) > letters
  const isChinese =
    isSpaceless && 2 * han > letters && 10 * count(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu) < han
  return {
    bleuTokenizer: isChinese ? 'zh' : isSpaceless ? 'char' : '13a',
    rougeTokenizer: 2 * count(/[A-Za-z]/gu) < letters ? 'unicode' : 'plain',
    terTokenizer: isSpaceless ? 'asian' : 'plain',
  }
}

/** How a metric was computed, in the words of its reference program, so that a figure can be compared with others. */
export function methodsOf(
  metrics: readonly MetricName[],
  facts: DataFacts,
): Partial<Record<MetricName, string>> {
  const asian = facts.terTokenizer === 'asian' ? 'yes' : 'no'
  const rouge =
    facts.rougeTokenizer === 'plain'
      ? 'as rouge_score, no stemmer, F1, mean of rows'
      : 'words of any script, no stemmer, F1, mean of rows; not comparable with rouge_score'
  const all: Partial<Record<MetricName, string>> = {
    chrF: 'as sacrebleu, nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no',
    bleu: `as sacrebleu, nrefs:1|case:mixed|eff:no|tok:${facts.bleuTokenizer}|smooth:exp`,
    ter: `as sacrebleu, nrefs:1|case:lc|tok:tercom|norm:${asian}|punct:yes|asian:${asian}`,
    rouge1: rouge,
    rouge2: rouge,
    rougeLsum: rouge,
    entityF1: 'micro average as seqeval; the n-th mention of the same words stands for the n-th expected one',
    calibrationError: 'ten bins of equal width',
    memorisedSpans: 'runs of 8 words that stand in a training text too',
    copiedNgrams: 'runs of 4 words that stand in the document too',
    distinct2: 'different pairs of words by pairs of words, all answers together',
  }
  return Object.fromEntries(metrics.flatMap((metric) => (all[metric] ? [[metric, all[metric]]] : [])))
}

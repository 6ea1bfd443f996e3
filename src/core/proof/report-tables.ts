// Tables of a report beside its metrics: labels with their confusion matrices, kinds of entities, lengths of the texts,
// confidence against right answers. Base is the first subject, tuned the second.
import type { MetricName } from '#shared/metrics.ts'
import type { LengthBucket, ProofReport } from '#shared/proof-protocol.ts'
import { kindsIn } from '../scenarios/entity-marks.ts'
import { evaluatePart, labelColumn } from './evaluate-answers.ts'
import type { MeasuredAnswers, Subject } from './measured-answers.ts'
import type { DataFacts } from './metric-facts.ts'
import { calibrationBins, calibrationStatistics, confidenceOf } from './metrics/calibration.ts'
import { countEntities, entityScores } from './metrics/entities.ts'
import { confusionMatrix, scoresPerLabel } from './metrics/label-metrics.ts'
import { spanWords } from './metrics/spans.ts'

/** Buckets of fewer rows than this say nothing. */
const leastBucketRows = 5

export function labelTable(
  { rows, subjects }: MeasuredAnswers,
  { labels }: DataFacts,
): ProofReport['labels'] {
  if (labels === null) return null
  const expected = labelColumn(
    rows.map((row) => row.expected),
    labels,
  )
  const matrixOf = ({ answers }: Subject): number[][] => {
    const given = answers.map((answer) => answer.text)
    return confusionMatrix(expected, labelColumn(given, labels), labels.length)
  }
  const matrices = { base: matrixOf(subjects[0]!), tuned: matrixOf(subjects[1]!) }
  const lines = { base: scoresPerLabel(matrices.base), tuned: scoresPerLabel(matrices.tuned) }
  const line = (side: 'base' | 'tuned', label: number) => {
    const { precision, recall, f1, predicted } = lines[side][label]!
    return { precision, recall, f1, predicted }
  }
  return {
    labels: [...labels],
    rows: labels.map((label, index) => ({
      label,
      support: lines.base[index]!.support,
      base: line('base', index),
      tuned: line('tuned', index),
    })),
    ...matrices,
  }
}

/** Every kind that was expected in these rows, as first written, the most frequent first; of equals the first in the rows. */
export function kindTable(
  { rows, subjects }: MeasuredAnswers,
  { scenario }: DataFacts,
): ProofReport['kinds'] {
  if (scenario !== 'entity-recognition') return []
  // Kinds are counted without regard to capitals, so "Person" is no kind beside "PERSON".
  const kinds = new Map<string, string>()
  for (const kind of rows.flatMap(({ expected }) => kindsIn(expected)))
    if (!kinds.has(kind.toLowerCase())) kinds.set(kind.toLowerCase(), kind)
  const count = ({ answers }: Subject, kind: string) => {
    const sums = { right: 0, named: 0, expected: 0 }
    for (const [at, row] of rows.entries()) {
      const counts = countEntities(answers[at]!.text ?? '', row.expected, kind)
      for (const key of ['right', 'named', 'expected'] as const) sums[key] += counts[key]
    }
    return { support: sums.expected, line: { ...entityScores(sums), predicted: sums.named } }
  }
  return [...kinds.values()]
    .map((kind) => {
      const [base, tuned] = [count(subjects[0]!, kind), count(subjects[1]!, kind)]
      return { kind, support: base.support, base: base.line, tuned: tuned.line }
    })
    .sort((a, b) => b.support - a.support)
}

/** Thirds of the translated rows by the words of their source; none where the thirds would be too small to say anything. */
export async function lengthBuckets(
  metric: MetricName,
  { rows, subjects }: MeasuredAnswers,
  facts: DataFacts,
  seed: number,
): Promise<LengthBucket[]> {
  if (facts.scenario !== 'translation' || rows.length < 3 * leastBucketRows) return []
  const words = rows.map(({ fields }) => spanWords(fields.source ?? '').length)
  const byLength = [...rows.keys()].sort((a, b) => words[a]! - words[b]! || a - b)
  const buckets: LengthBucket[] = []
  for (const [third, name] of (['short', 'middle', 'long'] as const).entries()) {
    const border = (index: number): number => Math.round((index * rows.length) / 3)
    const places = byLength.slice(border(third), border(third + 1))
    const part = {
      rows: places.map((place) => rows[place]!),
      subjects: subjects.map((one) => ({ ...one, answers: places.map((place) => one.answers[place]!) })),
    }
    const found = await evaluatePart(metric, part, facts, seed)
    if (!found) continue
    buckets.push({
      name,
      fromWords: words[places[0]!]!,
      toWords: words[places.at(-1)!]!,
      rows: places.length,
      base: found.values[0]!,
      tuned: found.values[1]!,
      difference: found.differences[1]!.interval,
    })
  }
  return buckets
}

export function confidenceTable(
  { rows, subjects }: MeasuredAnswers,
  { labels }: DataFacts,
): ProofReport['confidence'] {
  if (labels === null || labels.length < 2) return null
  const binsOf = ({ answers }: Subject) => {
    const sums = new Array<number>(3 * calibrationBins).fill(0)
    for (const [at, { text, labelLogProbs }] of answers.entries()) {
      if (labelLogProbs === null) continue
      const own = calibrationStatistics(confidenceOf(labelLogProbs), text === rows[at]!.expected)
      for (const [index, value] of own.entries()) sums[index]! += value
    }
    return Array.from({ length: calibrationBins }, (_, bin) => {
      const [answers, confidence, right] = [sums[3 * bin]!, sums[3 * bin + 1]!, sums[3 * bin + 2]!]
      return {
        from: bin / calibrationBins,
        to: (bin + 1) / calibrationBins,
        answers,
        confidence: answers === 0 ? 0 : confidence / answers,
        right: answers === 0 ? 0 : right / answers,
      }
    })
  }
  return { base: binsOf(subjects[0]!), tuned: binsOf(subjects[1]!) }
}

// The training row that is closest to what a model was asked: cosine of word weights. A word's weight is
// (1 + ln tf) (1 + ln((1 + N) / (1 + df))), as scikit-learn's TfidfVectorizer(sublinear_tf=True) has it (Salton and
// Buckley 1988). Pure.
import { spanWords } from './metrics/spans.ts'

export interface ReadRow {
  /** What the model read; of plain text the text itself. */
  readonly text: string
  readonly answer: string
}
export interface ClosestRow extends ReadRow {
  /** Cosine from 0 (no word in common) to 1 (the same words as often). */
  readonly similarity: number
}

/** What is looked through: of a larger training set so many rows with so much text, spread over all of it. */
const mostRows = 20_000
const mostCharacters = 4_000_000
/** What lies behind does not count. */
const longestText = 4_000

/** Looks rows up; the first of equally close ones, null where none shares a word. */
export function createClosestRows(trainRows: readonly ReadRow[]): (text: string) => ClosestRow | null {
  const rows = spread(trainRows)
  const counted = rows.map(({ text }) => countWords(text))
  const rowsWith = new Map<string, number>()
  for (const counts of counted)
    for (const word of counts.keys()) rowsWith.set(word, (rowsWith.get(word) ?? 0) + 1)
  const weightOf = (word: string, times: number): number =>
    (1 + Math.log(times)) * (1 + Math.log((1 + rows.length) / (1 + (rowsWith.get(word) ?? 0))))
  /** For each word the rows that hold it, with its part of their unit vectors. */
  const postings = new Map<string, { readonly row: number; readonly part: number }[]>()
  for (const [row, counts] of counted.entries())
    for (const [word, part] of unitVector(counts, weightOf)) {
      const known = postings.get(word)
      if (known === undefined) postings.set(word, [{ row, part }])
      else known.push({ row, part })
    }

  return (text) => {
    // Words that no training row holds turn no row towards the text.
    const known = [...countWords(text)].filter(([word]) => rowsWith.has(word))
    const sums = new Map<number, number>()
    for (const [word, weight] of unitVector(new Map(known), weightOf))
      for (const { row, part } of postings.get(word) ?? [])
        sums.set(row, (sums.get(row) ?? 0) + weight * part)
    let best: { row: number; similarity: number } | null = null
    for (const [row, similarity] of sums)
      if (best === null || similarity > best.similarity || (similarity === best.similarity && row < best.row))
        best = { row, similarity }
    if (best === null) return null
    const { text: closest, answer } = rows[best.row]!
    return { text: closest, answer, similarity: Math.min(1, best.similarity) }
  }
}

function spread(rows: readonly ReadRow[]): readonly ReadRow[] {
  const characters = rows.reduce((sum, { text }) => sum + Math.min(text.length, longestText), 0)
  const withinText = Math.floor((rows.length * mostCharacters) / Math.max(1, characters))
  const most = Math.min(mostRows, withinText)
  if (rows.length <= most) return rows
  return Array.from({ length: most }, (_, at) => rows[Math.floor((at * rows.length) / most)]!)
}

function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of spanWords(text.slice(0, longestText))) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** Weights of the words, divided by their length. */
function unitVector(
  counts: ReadonlyMap<string, number>,
  weightOf: (word: string, times: number) => number,
): [string, number][] {
  const weights = [...counts].map(([word, times]): [string, number] => [word, weightOf(word, times)])
  const length = Math.hypot(...weights.map(([, weight]) => weight))
  return weights.map(([word, weight]) => [word, weight / length])
}

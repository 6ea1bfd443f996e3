// Where the trained model is wrong most often: the label it misses most, and what it takes it for. Pure.
import type { ProofSummary } from '#shared/proof-protocol.ts'

export interface WeakestSpot {
  readonly expected: string
  readonly answered: string
  readonly mistakes: number
  readonly allMistakes: number
  /** Locked rows with the expected label. */
  readonly support: number
}

/** null where answers are no labels, or none is wrong. Of equally frequent mistakes the one with fewer rows weighs more. */
export function weakestSpot(table: ProofSummary['labels']): WeakestSpot | null {
  if (table === null) return null
  const { labels, rows, tuned } = table
  const mistakes = tuned.flatMap((counts, expected) =>
    counts.flatMap((count, answered) =>
      expected === answered || count === 0
        ? []
        : [{ expected: labels[expected]!, answered: labels[answered]!, mistakes: count }],
    ),
  )
  const allMistakes = mistakes.reduce((sum, one) => sum + one.mistakes, 0)
  const [worst] = mistakes
    .map((one) => ({
      ...one,
      allMistakes,
      support: rows.find(({ label }) => label === one.expected)?.support ?? 0,
    }))
    .sort((a, b) => b.mistakes - a.mistakes || a.support - b.support)
  return worst ?? null
}

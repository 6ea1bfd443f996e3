// Texts that come again in a file, and those among them whose answers differ.
import { excerptOf } from '#formats/table-types.ts'
import type { DatasetRow } from '#shared/rows.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import { foldText } from './same-text.ts'
import { valueExcerpt } from './value-excerpt.ts'

export interface Contradiction {
  readonly excerpt: string
  readonly answers: readonly { readonly answer: string; readonly line: number }[]
}

/** Rows are duplicates where this key is equal: what makes them what they are, folded. */
const duplicateKey = (row: DatasetRow, scenario: Scenario): string =>
  scenario.identityRoles.map((role) => foldText(row.fields[role] ?? '')).join('\u0000')

/** Lines that one warning names at most. */
export const listedLines = 10

export interface Repeats {
  readonly keys: readonly string[]
  readonly duplicateRows: number
  /** Lines of the first repeated texts, each with the line that it repeats; at most ten, ascending. */
  readonly duplicateLines: readonly number[]
  readonly contradictions: readonly Contradiction[]
}

export function findRepeats(rows: readonly DatasetRow[], scenario: Scenario): Repeats {
  const keys = rows.map((row) => duplicateKey(row, scenario))
  const firstOf = new Map<string, number>()
  const clashes = new Map<string, Map<string, { answer: string; line: number }>>()
  let duplicateRows = 0
  const duplicateLines = new Set<number>()
  const answerOf = (row: DatasetRow): string => row.fields[scenario.answerRole] ?? ''
  for (const [i, row] of rows.entries()) {
    const key = keys[i]!
    const first = firstOf.get(key)
    if (first === undefined) {
      firstOf.set(key, i)
      continue
    }
    duplicateRows += 1
    if (duplicateLines.size < listedLines) duplicateLines.add(rows[first]!.line).add(row.line)
    for (const other of [rows[first]!, row]) {
      const answers = clashes.get(key) ?? new Map<string, { answer: string; line: number }>()
      const folded = foldText(answerOf(other))
      if (!answers.has(folded)) answers.set(folded, { answer: excerptOf(answerOf(other)), line: other.line })
      clashes.set(key, answers)
    }
  }
  const contradictions = [...clashes]
    .filter(([, answers]) => answers.size > 1)
    .map(([key, answers]) => ({
      excerpt: valueExcerpt(rows[firstOf.get(key)!]!.fields[scenario.identityRoles[0]!] ?? ''),
      answers: [...answers.values()],
    }))
  const lines = [...duplicateLines].slice(0, listedLines).toSorted((a, b) => a - b)
  return { keys, duplicateRows, duplicateLines: lines, contradictions }
}

// Runs as they are called beside each other, from the journal.
import type { JournalReader } from '#journal/reader.ts'
import { unwrap } from '#shared/result.ts'
import { runLabel } from '#shared/run-label.ts'

export type LabelOf = (run: { readonly id: string; readonly name: string }) => string

/** Throws a ProblemError of the journal. */
export function runLabels(reader: Pick<JournalReader, 'runNumbers'>, runIds: readonly string[]): LabelOf {
  const numbers = unwrap(reader.runNumbers(runIds))
  return ({ id, name }) => runLabel({ name, number: numbers.get(id) ?? null })
}

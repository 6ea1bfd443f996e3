// What a scenario is: the goal a person picks, the columns it needs, and how a row becomes a prompt and an answer.
import type { MetricName } from '#shared/proof-protocol.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import type { DatasetRow, PromptedExample } from '#shared/rows.ts'

/** One kind of value a row must or may bring, to be matched with a column of the person's file. */
export interface ScenarioRole {
  /** Key in DatasetRow.fields. */
  readonly name: string
  readonly title: string
  readonly isRequired: boolean
  readonly help: string
  /** `text` is kept as it is; `label` is one of few names, so white space around it is dropped. */
  readonly kind: 'text' | 'label'
  /** Usual column names, most telling first, in lower case without marks between words; several languages. */
  readonly columnGuesses: readonly string[]
}

/** What an instruction can be written from. */
export interface InstructionFacts {
  /** Every label of the data set, sorted; empty where the scenario has none. */
  readonly labels: readonly string[]
}

export interface Scenario {
  readonly id: ScenarioId
  readonly title: string
  /** What the person gets, in plain words. */
  readonly description: string
  readonly roles: readonly ScenarioRole[]
  /** The roles the model reads; rows equal in all of them are duplicates and stay on one side of the split. */
  readonly inputRoles: readonly string[]
  readonly answerRole: string
  /** What the model is told before every example where the person says nothing else. */
  defaultInstruction(facts: InstructionFacts): string
  /** The row as the model meets it. An empty instruction leaves the system message out. */
  toExample(row: DatasetRow, instruction: string): PromptedExample
  /** The labels of these rows, sorted; null where answers are free text. */
  labelsOf(rows: Iterable<DatasetRow>): readonly string[] | null
  /** What is measured on the locked test set; the first decides the verdict. */
  readonly metrics: readonly MetricName[]
}

/** A conversation of one instruction and one message. */
export function promptedExample(
  row: DatasetRow,
  instruction: string,
  message: string,
  answer: string,
): PromptedExample {
  const user = { role: 'user', content: message } as const
  const prompt =
    instruction.trim() === '' ? [user] : [{ role: 'system', content: instruction } as const, user]
  return { rowId: row.rowId, prompt, answer }
}

/** Text order that is the same on every computer: by UTF-16 code units, not by the language set there. */
export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

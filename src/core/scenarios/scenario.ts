// What a scenario is: the goal a person picks, the columns it needs, and how a row becomes prompts and answers.
import type { Language } from '#shared/contract/system.ts'
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
  /**
   * `text` is kept as it is; `label` is one of few names, so white space around it is dropped; `list` is a list or an
   * object of JSON that the scenario reads itself.
   */
  readonly kind: 'text' | 'label' | 'list'
  /** Usual column names, most telling first, in lower case without marks between words; several languages. */
  readonly columnGuesses: readonly string[]
}

/** What an instruction can be written from. */
export interface InstructionFacts {
  /** Every label or kind of entity of the data set, sorted; empty where the scenario has none. */
  readonly labels: readonly string[]
  /** The language it is written in; English where none is said. */
  readonly language?: Language
}

export interface Scenario {
  readonly id: ScenarioId
  readonly title: string
  /** What the person gets, in plain words. */
  readonly description: string
  /** What a row brings, in a few words: "question + answer". */
  readonly brings: string
  /** One row before and after, for the card. */
  readonly sample: { readonly input: string; readonly answer: string }
  readonly roles: readonly ScenarioRole[]
  /** The fields the model reads. */
  readonly inputRoles: readonly string[]
  /** The field the model learns to write. */
  readonly answerRole: string
  /** Rows equal in all of these are repeats and stay on one side of the split. */
  readonly identityRoles: readonly string[]
  /** What the model is told before every example where the person says nothing else. */
  defaultInstruction(facts: InstructionFacts): string
  /**
   * The row as the model meets it: one example, or one for every answer in it. The first has the row's id, the others
   * `id#2`, `id#3`, ... An empty instruction leaves the system message out.
   */
  toExamples(row: DatasetRow, instruction: string): readonly PromptedExample[]
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

/** Column names written with commas between them. */
export const columnNames = (...lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => line.split(', '))

/** The same words in every language of the program. */
export type InEveryLanguage<T> = Readonly<Record<Language, T>>

/** The words of `facts.language`, English where none is said. */
export const inLanguage = <T>(words: InEveryLanguage<T>, { language }: InstructionFacts): T =>
  words[language ?? 'en']

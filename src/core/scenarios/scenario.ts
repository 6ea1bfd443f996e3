// What a scenario is: the goal a person picks, the columns it needs, and how a row becomes prompts and answers.
import type { TextReading } from '#formats/table-types.ts'
import type { Language } from '#shared/contract/system.ts'
import type { DataFacts } from '#shared/dataset.ts'
import type { MetricName } from '#shared/metrics.ts'
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
  /** Of two text columns without a telling name: this one asks, or this one is the longer. */
  readonly lookFor?: 'question' | 'longer'
}

/** What an instruction can be written from. */
export interface InstructionFacts {
  /** Every label or kind of entity of the data set, sorted; empty where the scenario has none. */
  readonly labels: readonly string[]
  /** Languages of a translation's two sides, as the file names them. */
  readonly sourceLanguages?: readonly string[]
  readonly targetLanguages?: readonly string[]
  /** The language it is written in; English where none is said. */
  readonly language?: Language
}

/** What a record of the file gives: the fields of one row or of several, or why it cannot be used. */
export type RecordReading =
  | { readonly rows: readonly Readonly<Record<string, string>>[]; readonly note?: string | null }
  | { readonly reason: string }

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
  /**
   * Sets of roles of which one has to be there in full, most telling first; roles of the other sets are then not used.
   * Left out where the required roles are simply required.
   */
  readonly alternatives?: readonly (readonly string[])[]
  /** What a file that is no table is read as; left out, such a file is refused. */
  readonly textAs?: TextReading
  /** The fields the model reads. */
  readonly inputRoles: readonly string[]
  /** The field the model learns to write. */
  readonly answerRole: string
  /** Rows equal in all of these are repeats and stay on one side of the split. */
  readonly identityRoles: readonly string[]
  /** What the model is told before every example where the person says nothing else. */
  defaultInstruction(facts: InstructionFacts): string
  /**
   * The rows of a record, given its value for each role that has a column and is not empty. Left out, the record is the
   * row.
   */
  readRecord?(values: Readonly<Record<string, string>>): RecordReading
  /** Left out where an instruction needs nothing but the labels. `columns` is the column of each role. */
  factsOf?(rows: Iterable<DatasetRow>, columns: Readonly<Record<string, string>>): Partial<DataFacts>
  /** Why these rows, each sound by itself, teach nothing together; null where they do. */
  faultOf?(rows: readonly DatasetRow[]): { readonly message: string; readonly remedy: string } | null
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

// One column of any table that can be read, or prose in passages, as plain texts.
import { attemptAsync, type Result } from '#shared/result.ts'
import { domain } from '../scenarios/domain.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { readRows } from './read-rows.ts'

export interface Texts {
  readonly texts: readonly { readonly line: number; readonly text: string }[]
  /** Rows without a text, and broken ones. */
  readonly leftOutCount: number
}

/** Each row stays whole, unlike documents that are learnt from, which are read in passages. */
const { readRecord: _, ...oneText } = domain
const rowsOfTexts: Scenario = oneText

/** The column is guessed where none is named. Problems: those of a table, file.missing, data.columns, data.too-few-rows. */
export function readTexts(path: string, column: string | null): Promise<Result<Texts>> {
  return attemptAsync(async () => {
    const { rows, leftOutCount } = await readRows(
      path,
      rowsOfTexts,
      column === null ? null : { text: column },
    )
    return { texts: rows.map(({ line, fields }) => ({ line, text: fields.text ?? '' })), leftOutCount }
  })
}

// The first rows of a file as a table, before anything is decided about its columns. Reads no more than it shows.
import { openTable } from '#formats/table.ts'
import { unwrap } from '#shared/result.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import { openWatchedFile } from './watched-file.ts'

export interface Preview {
  /** "CSV, UTF-8", for people. */
  readonly form: string
  readonly columns: readonly string[]
  readonly rows: readonly {
    readonly line: number
    /** By column. */
    readonly values: ReadonlyMap<string, string>
    readonly note: string | null
    readonly isLeftOut: boolean
  }[]
}

const shownRows = 40

/** Throws a ProblemError where the file cannot be read as a table. */
export async function readPreview(path: string, scenario: Scenario): Promise<Preview> {
  const file = await openWatchedFile(path)
  try {
    const table = unwrap(await openTable(file.source, { textAs: scenario.textAs }))
    const rows: Preview['rows'][number][] = []
    reading: for await (const batch of table.batches())
      for (const event of unwrap(batch)) {
        if (event.kind === 'record')
          rows.push({ line: event.line, values: event.values, note: null, isLeftOut: false })
        if (event.kind === 'left-out')
          rows.push({ line: event.line, values: new Map(), note: event.reason, isLeftOut: true })
        if (rows.length >= shownRows) break reading
      }
    return {
      form: `${table.shape.format.toUpperCase()}, ${table.shape.encoding}`,
      columns: table.columns(),
      rows,
    }
  } finally {
    await file.close()
  }
}

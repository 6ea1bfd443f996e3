// data check FILE, and what train and demo say of their rows
import type { DataReport } from '#core/data/data-report.ts'
import { checkData, datasetFolder, readLeftOut } from '#core/data/index.ts'
import type { DatasetManifest } from '#shared/dataset.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { LeftOutRow } from '#shared/rows.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

const shownRows = 20
const shownLines = 5
const rowsAre = (count: number) => (count === 1 ? '1 row is' : `${count} rows are`)

export async function checkDataFile(
  application: Application,
  draft: Pick<RecipeDraft, 'scenario' | 'data'>,
): Promise<void> {
  const { output } = application
  const { path, ...settings } = draft.data
  const report = unwrap(await checkData(path, { scenario: draft.scenario, ...settings }))
  output.result(report)
  const { format } = report
  output.line(`${report.source.name}: ${format.format.toUpperCase()}, ${format.encoding}`)
  const columns = Object.entries(report.columns).map(([role, column]) => `${role} = ${column}`)
  const guessed = report.columnsGuessed.length > 0 ? ` (guessed: ${report.columnsGuessed.join(', ')})` : ''
  output.line(`columns: ${columns.join(', ')}${guessed}`)
  output.line(`${report.usableRows} rows can be used, ${rowsAre(report.leftOutRows)} left out.`)
  printLeftOut(application, report.leftOut, report.leftOutRows)
  if (report.labels)
    for (const line of formatTable(
      ['label', 'rows'],
      report.labels.map(({ label, rows }) => [label, String(rows)]),
    ))
      output.line(`  ${line}`)
  printWarnings(application, report.warnings)
  if (report.split)
    output.line(
      `Split: ${report.split.train} to learn from, ${report.split.validation} to watch progress, ${report.split.test} locked away for the proof.`,
    )
}

function printLeftOut({ output }: Application, rows: readonly LeftOutRow[], count: number): void {
  for (const row of rows.slice(0, shownRows))
    output.line(`  line ${row.line}: ${row.reason}${row.excerpt ? ` — ${row.excerpt}` : ''}`)
  if (count > shownRows) output.line(`  … and ${count - shownRows} more (data check --json lists them all)`)
}

function printWarnings({ output }: Application, warnings: DataReport['warnings']): void {
  for (const { text, lines } of warnings) {
    const places =
      lines.length === 0
        ? ''
        : ` (line ${lines.slice(0, shownLines).join(', ')}${lines.length > shownLines ? ', …' : ''})`
    output.line(`! ${text}${places}`)
  }
}

/**
 * What was made of a file for training: rows left out with their reasons, warnings, the three parts. Reads the file once
 * more for the warnings, so not where nobody reads these lines.
 */
export async function printDataset(
  application: Application,
  dataset: DatasetManifest,
  draft: Pick<RecipeDraft, 'scenario' | 'data'>,
): Promise<void> {
  const { library, output } = application
  if (output.isJson) return
  const { counts } = dataset
  const leftOut = unwrap(await readLeftOut(datasetFolder(library, dataset.fingerprint)))
  const { path, ...settings } = draft.data
  const report = unwrap(await checkData(path, { scenario: draft.scenario, ...settings }))
  output.line(
    `${dataset.source.name}: ${counts.train + counts.validation + counts.test} rows used, ${counts.leftOut} left out.`,
  )
  printLeftOut(application, leftOut, counts.leftOut)
  printWarnings(application, report.warnings)
  output.line(
    `${counts.train} rows to learn from, ${counts.validation} to watch progress, ${counts.test} locked away for the proof.`,
  )
}

/** What was made of the file of the first stage: its texts, and those left out with their reasons. */
export async function printStageTexts(application: Application, texts: DatasetManifest): Promise<void> {
  const { library, output } = application
  if (output.isJson) return
  const { source, counts, fingerprint } = texts
  output.line(`${source.name}: ${counts.train} texts to read first, ${counts.leftOut} left out.`)
  const leftOut = unwrap(await readLeftOut(datasetFolder(library, fingerprint)))
  printLeftOut(application, leftOut, counts.leftOut)
}

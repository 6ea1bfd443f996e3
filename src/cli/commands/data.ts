// data check FILE
import { checkData } from '#core/data/check-data.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { printable } from '../output.ts'
import { formatTable } from '../table.ts'

const shownRows = 20

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
  output.line(
    `columns: ${Object.entries(report.columns)
      .map(([role, column]) => `${role} = ${printable(column)}`)
      .join(
        ', ',
      )}${report.columnsGuessed.length > 0 ? ` (guessed: ${report.columnsGuessed.join(', ')})` : ''}`,
  )
  output.line(`${report.usableRows} rows can be used, ${report.leftOutRows} are left out.`)
  for (const row of report.leftOut.slice(0, shownRows))
    output.line(
      `  line ${row.line}: ${printable(row.reason)}${row.excerpt ? ` — ${printable(row.excerpt)}` : ''}`,
    )
  if (report.leftOutRows > shownRows)
    output.line(`  … and ${report.leftOutRows - shownRows} more (see --json)`)
  if (report.labels)
    for (const line of formatTable(
      ['label', 'rows'],
      report.labels.map(({ label, rows }) => [label, String(rows)]),
    ))
      output.line(`  ${line}`)
  for (const warning of report.warnings) output.line(`! ${printable(warning.text)}`)
  if (report.split)
    output.line(
      `Split: ${report.split.train} to learn from, ${report.split.validation} to watch progress, ${report.split.test} locked away for the proof.`,
    )
}

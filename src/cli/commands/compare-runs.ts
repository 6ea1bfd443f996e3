// runs compare RUN...: any number of runs beside each other, their figures with intervals and the settings that differ.
import { compareRuns } from '#core/experiments/compare-runs.ts'
import { mostCompared } from '#shared/contract/comparison.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import { settingsTried } from '#shared/measuring-settings.ts'
import { metricTitle } from '#shared/metrics.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { runLabel } from '#shared/run-label.ts'
import type { Application } from '../application.ts'
import { intervalText } from '../report.ts'
import { formatTable } from '../table.ts'
import { answerLines, readAnswers } from './compare-answers.ts'

const usualRows = 20

/**
 * Throws a ProblemError (`usage.invalid`) where they are fewer than two, or more than can be compared. Each is an id, the beginning of one, or
 * `latest`. `answers`: so many rows on which their answers differ; `true` for the usual number, as JSON all.
 */
export async function compareGivenRuns(
  application: Application,
  given: readonly string[],
  answers?: number | true,
): Promise<void> {
  const reader = application.reader()
  // To find a run by a beginning reads the whole list, which hundreds of whole ids need not.
  const idOf = (text: string): string => (reader.getRun(text).ok ? text : application.findRun(text))
  const runIds = [...new Set(given.map(idOf))]
  if (runIds.length > mostCompared)
    throw new ProblemError({
      code: 'usage.invalid',
      message: `At most ${mostCompared} runs are compared at once, and these are ${runIds.length}.`,
      where: 'runs',
      remedy: 'Name fewer runs.',
    })
  if (runIds.length < 2)
    throw new ProblemError({
      code: 'usage.invalid',
      message: 'One run alone cannot be compared.',
      where: runIds[0] ?? 'runs',
      remedy: 'Name another one too. To see one run: tunewright runs show RUN',
    })
  const compared = compareRuns(reader, runIds)
  const rows = runIds.map((runId) => unwrap(reader.experiment(runId)))
  const settings = compared.settings.map(({ path, values, of }) => ({
    path,
    values: of.map((at) => values[at] ?? null),
    isDifferent: values.length > 1,
  }))
  const { output } = application
  for (const line of figureLines(rows, compared.lockedRows)) output.line(line)
  const { tried, isMeasuredOtherwise } = settingsTried(settings)
  // No setting of a recipe, but a choice all the same.
  const model = { path: 'model', values: rows.map(({ modelName }) => modelName) }
  const different = [...(hasOtherModels(rows) ? [model] : []), ...tried]
  output.line()
  if (different.length === 0)
    output.line(isMeasuredOtherwise ? 'Every other setting is the same.' : 'Every setting is the same.')
  else
    for (const line of formatTable(
      ['settings that differ', ...different.map(({ path }) => path)],
      rows.map((row, at) => [runLabel(row), ...different.map(({ values }) => textOf(values[at]))]),
    ))
      output.line(line)
  if (isMeasuredOtherwise) output.line('Trials of a search are measured in its own way.')
  const { metrics, lockedRows } = compared
  const result = { runs: rows, settings, metrics, lockedRows }
  if (answers === undefined) return output.result(result)
  const most = answers === true ? (output.isJson ? Number.MAX_SAFE_INTEGER : usualRows) : answers
  const found = await readAnswers(application, runIds, most)
  output.line()
  for (const line of answerLines(found, rows)) output.line(line)
  output.result({ ...result, answers: found })
}

function figureLines(rows: readonly ExperimentRow[], lockedRows: readonly (string | null)[]): string[] {
  const table = formatTable(
    ['run', 'name', 'best validation loss', 'on the locked rows, with its 95 % interval'],
    rows.map((row) => [
      row.id,
      runLabel(row),
      row.bestLossNats === null ? '' : row.bestLossNats.toFixed(4),
      row.proof === null
        ? 'not measured'
        : `${metricTitle(row.proof.metric, false)} ${intervalText(row.proof.metric, row.proof.tuned)}`,
    ]),
  )
  const isOnOtherRows = new Set(lockedRows.filter((one) => one !== null)).size > 1
  const hasOtherData = new Set(rows.map((row) => row.datasetFingerprint)).size > 1
  return [
    ...table,
    ...(isOnOtherRows
      ? ['Not all were measured on the same locked rows: figures on other rows do not compare.']
      : []),
    ...(hasOtherData ? ['The rows they learnt from are not the same: their losses do not compare.'] : []),
    ...(hasOtherModels(rows)
      ? ['The model is not the same: losses of different models do not compare.']
      : []),
  ]
}

const hasOtherModels = (rows: readonly ExperimentRow[]): boolean =>
  new Set(rows.map(({ modelId }) => modelId)).size > 1

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

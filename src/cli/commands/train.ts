// train RECIPE.yaml or flags
import { prepareRun } from '#core/training/prepare-run.ts'
import { draftOfSettings, readRecipeFile, type Setting } from '#core/training/recipe-file.ts'
import { doubtSentences, idleSentences } from '#core/training/recipe-sense.ts'
import { createRunService } from '#core/training/run-service.ts'
import { noteWinnerRun } from '#core/tuning/winner-run.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { attempt, ProblemError, unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { followRun, printNextStep } from '../follow-run.ts'
import { curveLines, settingLines } from '../report.ts'
import type { TrainOptions } from '../setting-flags.ts'
import { printDataset, printStageTexts } from './data.ts'

/** `role=column` pairs, e.g. text=message. */
function columnSettings(columns: readonly string[]): Setting[] {
  return columns.map((pair) => {
    const [role, ...rest] = pair.split('=')
    if (!role || rest.length === 0)
      throw new ProblemError({
        code: 'usage.invalid',
        message: `"${pair}" does not name a role and a column.`,
        where: '--column',
        remedy: 'Write it like --column text=message.',
      })
    return [`data.columns.${role}`, JSON.stringify(rest.join('='))]
  })
}

export function readDraft(recipePath: string | undefined, options: TrainOptions): RecipeDraft {
  if (recipePath !== undefined && /\.(csv|tsv|txt|jsonl?|xlsx?|ods)$/i.test(recipePath))
    throw new ProblemError({
      code: 'usage.invalid',
      message: 'This is a table of examples, not a recipe.',
      where: recipePath,
      remedy: `Try: tunewright train --data ${JSON.stringify(recipePath)} --scenario classification --model starter`,
    })
  const settings = [...options.settings, ...columnSettings(options.columns)]
  return unwrap(recipePath === undefined ? draftOfSettings(settings) : readRecipeFile(recipePath, settings))
}

export async function train(application: Application, draft: RecipeDraft): Promise<void> {
  const { library, launcher, output } = application
  const writer = application.writer()
  const prepared = unwrap(await prepareRun(draft, { library, writer }))
  const { runId, dataset, before, model, recipe, changed, device, onCard } = prepared
  const first = before === null ? '' : ` after texts from ${before.source.name}`
  output.line(`Run ${runId}: ${model.name} learns from ${dataset.source.name}${first}`)
  await printDataset(application, dataset, draft)
  if (before !== null) await printStageTexts(application, before)
  for (const line of settingLines(recipe)) output.line(line)
  if (device.isNotable) output.line(device.reason)
  for (const line of [...onCard, ...changed]) output.line(line)
  for (const line of [...idleSentences(draft), ...doubtSentences(recipe)]) output.line(line)
  const service = createRunService({ library, launcher, writer, reader: application.reader() })
  const launched = unwrap(await service.launch(runId))
  // The run goes on without.
  const noted = attempt(() => noteWinnerRun(runId, application.reader(), writer))
  if (!noted.ok) output.line(`What the run goes back to could not be noted: ${noted.problem.message}`)
  const outcome = await followRun(application, launched)
  const curve = unwrap(application.reader().curve(runId))
  output.line()
  for (const line of curveLines(curve)) output.line(line)
  printNextStep(application, outcome)
  output.result({ ...outcome, recipe, curve })
}

// demo: the main job on the bike shop sample, from the model to the exported adapter, in a few minutes.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { datasetFolder, readLeftOut } from '#core/data/index.ts'
import { showModel } from '#core/models/model-library.ts'
import { writeFileDurably } from '#core/system/durable-files.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { readRecipeFile } from '#core/training/recipe-file.ts'
import { createRunService, runFolderOf } from '#core/training/run-service.ts'
import { unwrap } from '#shared/result.ts'
import { formatDuration } from '#shared/units.ts'
import type { Application } from '../application.ts'
import { followRun } from '../follow-run.ts'
import { curveLines, settingLines } from '../report.ts'
import { printDataset } from './data.ts'
import { exportRun } from './export.ts'
import { addModel } from './models.ts'
import { proveTunedRun } from './proof.ts'

const recipePath = fileURLToPath(
  new URL('../../../resources/samples/bike-shop-messages/recipe.yaml', import.meta.url),
)

export async function runDemo(application: Application, jsonPath?: string): Promise<void> {
  const startedMs = performance.now()
  const { library, launcher, output } = application
  const writer = application.writer()
  const reader = application.reader()
  const draft = unwrap(readRecipeFile(recipePath))

  heading(application, '1  The model')
  const known = await showModel(library, 'starter')
  if (known.ok) output.line(`${known.value.name} is in the library already.`)
  else await addModel(application, 'starter')

  heading(application, '2  The examples')
  const { runId, recipe, dataset } = unwrap(await prepareRun(draft, { library, writer }))
  const leftOut = unwrap(await readLeftOut(datasetFolder(library, dataset.fingerprint)))
  const { counts } = dataset
  const rows = { total: counts.train + counts.validation + counts.test, ...counts }
  await printDataset(application, dataset, draft)
  output.line(`What the model is told: ${recipe.instruction}`)

  heading(application, '3  Training')
  for (const line of settingLines(recipe)) output.line(line)
  const service = createRunService({ library, launcher, writer, reader })
  const outcome = await followRun(application, unwrap(await service.launch(runId)))
  if (outcome.status !== 'finished') return
  const curve = unwrap(reader.curve(runId))
  for (const line of curveLines(curve)) output.line(line)
  const run = unwrap(reader.getRun(runId))
  output.line(`Kept: the version of step ${run.bestStep}, validation loss ${run.bestLossNats?.toFixed(4)}.`)

  heading(application, '4  The proof')
  const report = await proveTunedRun(application, runId)

  heading(application, '5  Taking it away')
  const exported = await exportRun(application, runId)

  const seconds = (performance.now() - startedMs) / 1000
  const artifacts = {
    home: library.home,
    runId,
    runFolder: runFolderOf(library, runId),
    adapter: join(runFolderOf(library, runId), 'adapter'),
    adapterSha256: run.adapterSha256,
    journal: library.journalPath,
    export: exported.folder,
  }
  heading(application, `Done in ${formatDuration(seconds * 1000)}`)
  for (const line of whereLines(artifacts)) output.line(line)
  if (jsonPath === undefined) return
  const facts = {
    seconds,
    rows,
    leftOut,
    settings: recipe,
    baseline: report.baseline,
    tuned: report.tuned,
    difference: report.difference,
    verdict: report.verdict.sentence,
    verdictKind: report.verdict.kind,
    curves: {
      train: curve.train.map(({ step, lossNats }) => ({ step, lossNats })),
      validation: curve.validation.map(({ step, lossNats }) => ({ step, lossNats })),
    },
    artifacts,
  }
  await writeFileDurably(jsonPath, `${JSON.stringify(facts, null, 2)}\n`)
  output.line(`The same facts for a script: ${jsonPath}`)
}

function heading({ output }: Application, text: string): void {
  output.line()
  output.line(text)
}

function whereLines(artifacts: {
  home: string
  runId: string
  adapter: string
  journal: string
  export: string
}): string[] {
  const command = `npm run tunewright -- --home ${JSON.stringify(artifacts.home)}`
  return [
    `  the run      ${artifacts.runId}    look at it: ${command} runs show ${artifacts.runId}`,
    `  the adapter  ${artifacts.adapter}`,
    `  the export   ${artifacts.export}    load it with Hugging Face PEFT`,
    `  the journal  ${artifacts.journal}    any SQLite program opens it; list its runs: ${command} runs list`,
  ]
}

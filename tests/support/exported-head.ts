// A new last layer trained on a tiny model and taken away, for tests: the export's folder, and what the run's own version
// makes of a text.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { readManifest } from '#core/data/dataset-folder.ts'
import type { Exported } from '#core/export/export-folder.ts'
import { exportHead } from '#core/export/export-head.ts'
import { classNamesOf } from '#core/training/class-names.ts'
import { tunedFiles, tunedKindOf } from '#core/training/tuned-version.ts'
import { buildScoringGraph, type Tensor } from '#engine/index.ts'
import { collate } from '#engine/train/collate.ts'
import { openHeadVersion } from '#processes/scorer/head-version.ts'
import { locateWeights, readTextSide } from '#processes/scorer/model-folder.ts'
import { classCollation } from '#processes/scorer/predict-classes.ts'
import { classedText, taggedText } from '#processes/trainer/class-rows.ts'
import type { HashedFolder, TunedVersion } from '#shared/proof-protocol.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { cardFacts } from '../core/export/card-facts.ts'
import type { HeadRuns } from '../processes/trainer/head-runs.ts'
import { runJobHere } from '../processes/trainer/run-job-here.ts'
import { finishedOf } from '../processes/trainer/trainer-process.ts'

export interface ExportedHead {
  readonly job: TrainerJob
  readonly model: HashedFolder
  readonly tuned: TunedVersion
  readonly classNames: readonly string[]
  readonly exported: Exported
}

/** `runs` with one of its jobs done. */
export async function trainAndExport(
  runs: HeadRuns,
  scenario: ScenarioId,
  changes: Record<string, unknown>,
): Promise<ExportedHead> {
  const job = await runs.makeJob(scenario, changes)
  const { recipe } = job
  const weightsSha256 = finishedOf(await runJobHere(job)).adapterSha256!
  const kind = tunedKindOf(recipe.method)
  const tuned = { kind, folder: join(job.runFolder, tunedFiles[kind].folder), weightsSha256 }
  const model = { folder: job.modelFolder, weightsSha256: recipe.model.weightsSha256 }
  const classNames = classNamesOf(scenario, unwrap(await readManifest(job.datasetFolder)))
  const exportsFolder = join(runs.tiny.library.home, 'exports')
  mkdirSync(exportsFolder, { recursive: true })
  const card = { ...cardFacts, form: 'model' as const, recipe }
  const spec = { exportsFolder, name: 'head', model, tuned, recipe, classNames, card }
  return { job, model, tuned, classNames, exported: unwrap(await exportHead(spec)) }
}

/** Logits of the run's own version: of the whole text, or of every token. */
export async function ownLogits({ job, tuned, classNames }: ExportedHead, text: string) {
  const { method, scenario } = job.recipe
  const isTagged = scenario === 'entity-recognition'
  const names = [...classNames]
  const head = await openHeadVersion({
    ...{ modelFolder: job.modelFolder, tuned, method, scenario },
    classNames: names,
  })
  const { config, task, parameters } = head
  const { tokenizer } = await readTextSide(job.modelFolder)
  const { ids, labels } = isTagged
    ? taggedText(tokenizer, names, text, 'none')
    : classedText(tokenizer, config, text, 0)
  const built = buildScoringGraph(config, head.method, { task, lossChunks: 1 })
  const weights = await locateWeights(head.folder, config, built, 128)
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads: 1, weights, workFolder: job.runFolder }),
  )
  const row = { rowId: 'text', ids, labels: isTagged ? ids.map(() => 0) : labels }
  const { feeds } = collate([row], classCollation({ config, task }))
  const outputs = await session.run(new Map<string, Tensor>([...feeds, ...parameters]))
  const logits = Float32Array.from(outputs.get('logits.0')!.data as Float32Array)
  await session.dispose()
  return { ids, logits }
}

// What a finished run made, with everything a stranger should know about it, out of the journal, into the exports folder.
import { relative, sep } from 'node:path'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import { datasetManifest } from '#shared/dataset.ts'
import { type ExportForm, exportFormsOf } from '#shared/export-forms.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import { newestProof } from '../proof/proof-journal.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { Library } from '../system/library.ts'
import { hasClassHead } from '../training/method-of.ts'
import { runFolderOf } from '../training/run-service.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import { baseModelFacts } from './base-model.ts'
import type { Exported } from './export-folder.ts'
import { exportModel } from './export-model.ts'
import { exportPeft } from './export-peft.ts'
import type { CardFacts } from './model-card.ts'

export interface ExportPorts {
  readonly library: Library
  readonly reader: Pick<JournalReader, 'getRun' | 'datasets' | 'comparisons' | 'artifacts'>
  readonly writer: Pick<JournalWriter, 'addArtifact'>
  readonly appVersion: string
}

/**
 * Exports the run in this form and records every file of it. Problems: those of `exportPeft` and `exportModel`,
 * `run.unknown`, and `export.failed` where a run of its method has not this form.
 */
export function exportRun(runId: string, form: ExportForm, ports: ExportPorts): Promise<Result<Exported>> {
  return attemptAsync(async () => {
    const { library, writer } = ports
    const run = unwrap(ports.reader.getRun(runId))
    if (hasClassHead(run.recipe.method)) throw noFormOfHead(runFolderOf(library, runId))
    if (!exportFormsOf(run.recipe.method).includes(form)) throw noSuchForm(form)
    const tuned = unwrap(await requireTunedUnchanged(library, ports.reader, runId))
    const { exportsFolder } = library
    const place = { exportsFolder, name: run.name, card: await cardOf(run, form, ports) }
    const { model } = run.recipe
    const exported = unwrap(
      form === 'peft'
        ? await exportPeft({
            ...place,
            runFolder: runFolderOf(library, runId),
            adapterSha256: tuned.weightsSha256,
          })
        : await exportModel({
            ...place,
            model: { folder: modelFolder(library, model.id), weightsSha256: model.weightsSha256 },
            tuned,
            form,
          }),
    )
    for (const { name, sizeBytes, sha256 } of exported.files) {
      const path = `${relative(library.home, exported.folder).split(sep).join('/')}/${name}`
      unwrap(writer.addArtifact({ runId, kind: 'export', path, bytes: sizeBytes, sha256 }))
    }
    return exported
  })
}

const noSuchForm = (form: ExportForm): ProblemError =>
  new ProblemError({
    code: 'export.failed',
    message: 'This run has no adapter: it trained the model itself.',
    where: `form ${form}`,
    remedy: 'Export the model, as a folder or as GGUF.',
  })

const noFormOfHead = (runFolder: string): ProblemError =>
  new ProblemError({
    code: 'export.failed',
    message: 'A new last layer that names labels cannot be exported with a README yet.',
    where: runFolder,
    remedy: 'Copy the folder "model" or "adapter" that lies there: Hugging Face programs read it.',
  })

async function cardOf(
  run: RunDetail,
  form: ExportForm,
  { library, reader, appVersion }: ExportPorts,
): Promise<CardFacts> {
  const model = unwrap(await showModel(library, run.modelId))
  const record = unwrap(reader.datasets()).find(({ fingerprint }) => fingerprint === run.datasetFingerprint)
  const dataset = datasetManifest.parse(record?.manifest)
  return {
    form,
    runName: run.name,
    runId: run.id,
    createdAtMs: run.createdAtMs,
    appVersion,
    scenarioTitle: scenarioOf(run.scenario).title,
    baseModel: baseModelFacts(model),
    data: {
      fileName: dataset.source.name,
      fingerprint: dataset.fingerprint,
      trainRows: dataset.counts.train,
      validationRows: dataset.counts.validation,
      testRows: dataset.counts.test,
    },
    recipe: run.recipe,
    proof: newestProof(unwrap(reader.comparisons(run.id))),
  }
}

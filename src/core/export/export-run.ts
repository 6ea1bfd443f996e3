// What a finished run made, with everything a stranger should know about it, out of the journal, into the exports folder.
import { relative, sep } from 'node:path'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import { type ExportForm, exportFormsOf } from '#shared/export-forms.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import { newestProof } from '../proof/proof-journal.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { Library } from '../system/library.ts'
import { classNamesOf } from '../training/class-names.ts'
import { hasClassHead } from '../training/method-of.ts'
import { datasetOf } from '../training/run-dataset.ts'
import { runFolderOf } from '../training/run-service.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import { baseModelFacts } from './base-model.ts'
import type { Exported } from './export-folder.ts'
import { exportHead } from './export-head.ts'
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
 * Exports the run in this form and records every file of it. Problems: those of `exportPeft`, `exportModel` and `exportHead`,
 * `run.unknown`, and `export.failed` where a run of its method has not this form.
 */
export function exportRun(runId: string, form: ExportForm, ports: ExportPorts): Promise<Result<Exported>> {
  return attemptAsync(async () => {
    const { library, writer } = ports
    const run = unwrap(ports.reader.getRun(runId))
    const { method, scenario, model } = run.recipe
    if (!exportFormsOf(method).includes(form)) throw noSuchForm(form, hasClassHead(method))
    const tuned = unwrap(await requireTunedUnchanged(library, ports.reader, runId))
    const { exportsFolder } = library
    const place = { exportsFolder, name: run.name, card: await cardOf(run, form, ports) }
    const base = { folder: modelFolder(library, model.id), weightsSha256: model.weightsSha256 }
    const exported = unwrap(
      hasClassHead(method)
        ? await exportHead({
            ...{ ...place, model: base, tuned, recipe: run.recipe },
            classNames: classNamesOf(scenario, datasetOf(run, ports.reader)),
          })
        : form === 'peft'
          ? await exportPeft({
              ...place,
              runFolder: runFolderOf(library, runId),
              adapterSha256: tuned.weightsSha256,
            })
          : await exportModel({ ...place, model: base, tuned, form }),
    )
    for (const { name, sizeBytes, sha256 } of exported.files) {
      const path = `${relative(library.home, exported.folder).split(sep).join('/')}/${name}`
      unwrap(writer.addArtifact({ runId, kind: 'export', path, bytes: sizeBytes, sha256 }))
    }
    return exported
  })
}

const noSuchForm = (form: ExportForm, isHead: boolean): ProblemError =>
  new ProblemError({
    code: 'export.failed',
    message: isHead
      ? 'A new last layer that names labels is taken away with its model, as a folder: no other form has a place for it.'
      : 'This run has no adapter: it trained the model itself.',
    where: `form ${form}`,
    remedy: isHead
      ? 'Export it as a model folder (model).'
      : 'Export the model, as a folder (model) or as GGUF (gguf-f16, gguf-q8).',
  })

async function cardOf(run: RunDetail, form: ExportForm, ports: ExportPorts): Promise<CardFacts> {
  const { library, reader, appVersion } = ports
  const model = unwrap(await showModel(library, run.modelId))
  const dataset = datasetOf(run, reader)
  return {
    form,
    runName: run.name,
    runId: run.id,
    createdAtMs: run.createdAtMs,
    appVersion,
    scenarioTitle: scenarioOf(run.scenario).title,
    baseModel: baseModelFacts(model, (await readPlannedModel(library, model)).config),
    data: {
      fileName: dataset.source.name,
      fingerprint: dataset.fingerprint,
      trainRows: dataset.counts.train,
      validationRows: dataset.counts.validation,
      testRows: dataset.counts.test,
    },
    recipe: run.recipe,
    proof: newestProof(unwrap(reader.comparisons(run.id))),
    head: null,
  }
}

// A finished run's adapter with everything a stranger should know about it, out of the journal, into the exports folder.
import { relative, sep } from 'node:path'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import { datasetManifest } from '#shared/dataset.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, type Result, unwrap } from '#shared/result.ts'
import { showModel } from '../models/model-library.ts'
import { newestProof } from '../proof/proof-journal.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { Library } from '../system/library.ts'
import { runFolderOf } from '../training/run-service.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import { baseModelFacts } from './base-model.ts'
import { type Exported, exportPeft } from './export-peft.ts'
import type { CardFacts } from './model-card.ts'

export interface ExportPorts {
  readonly library: Library
  readonly reader: Pick<JournalReader, 'getRun' | 'datasets' | 'comparisons' | 'artifacts'>
  readonly writer: Pick<JournalWriter, 'addArtifact'>
  readonly appVersion: string
}

/** Exports the run's adapter in PEFT form and records every file of it. Problems: those of `exportPeft`, `run.unknown`. */
export function exportRunAsPeft(runId: string, ports: ExportPorts): Promise<Result<Exported>> {
  return attemptAsync(async () => {
    const { library, writer } = ports
    const run = unwrap(ports.reader.getRun(runId))
    const adapter = unwrap(await requireTunedUnchanged(library, ports.reader, runId))
    const exported = unwrap(
      await exportPeft({
        runFolder: runFolderOf(library, runId),
        adapterSha256: adapter.weightsSha256,
        exportsFolder: library.exportsFolder,
        name: run.name,
        card: await cardOf(run, ports),
      }),
    )
    for (const { name, sizeBytes, sha256 } of exported.files) {
      const path = `${relative(library.home, exported.folder).split(sep).join('/')}/${name}`
      unwrap(writer.addArtifact({ runId, kind: 'export', path, bytes: sizeBytes, sha256 }))
    }
    return exported
  })
}

async function cardOf(run: RunDetail, { library, reader, appVersion }: ExportPorts): Promise<CardFacts> {
  const model = unwrap(await showModel(library, run.modelId))
  const record = unwrap(reader.datasets()).find(({ fingerprint }) => fingerprint === run.datasetFingerprint)
  const dataset = datasetManifest.parse(record?.manifest)
  return {
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

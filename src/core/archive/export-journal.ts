// The journal, or chosen runs of it, carried out in one of the open forms. What is written is as the journal was at one
// moment; the files appear together or not at all.
import { openJournalArchive } from '#journal/archive-rows.ts'
import { asJournalProblem } from '#journal/problems.ts'
import type { JournalForm } from '#shared/contract/index.ts'
import { attemptAsync, fail, type Result, unwrap } from '#shared/result.ts'
import { appVersion } from '../system/app-version.ts'
import { type CarriedOut, writeArchiveFolder } from './archive-folder.ts'
import { exportBundle } from './export-bundle.ts'
import { exportJsonl } from './export-jsonl.ts'
import { exportMlflow } from './export-mlflow.ts'
import { exportParquet } from './export-parquet.ts'
import { exportTensorBoard } from './export-tensorboard.ts'
import {
  type ArchivePorts,
  type ExportRequest,
  type ExportWork,
  stopped,
  type Telling,
} from './export-work.ts'

const folderForms = {
  jsonl: { name: 'Journal as JSON lines', fill: exportJsonl },
  parquet: { name: 'Journal as Parquet', fill: exportParquet },
  tensorboard: { name: 'Journal for TensorBoard', fill: exportTensorBoard },
  mlflow: { name: 'Journal for MLflow', fill: exportMlflow },
} as const satisfies Record<
  Exclude<JournalForm, 'bundle'>,
  { readonly name: string; fill(work: ExportWork): Promise<void> }
>

/**
 * Problems: `run.unknown`, `export.failed` (a bundle without runs), `proof.cancelled`, `disk.full`, `disk.failed`, those of
 * an unreadable journal.
 */
export function exportJournal(
  request: ExportRequest,
  ports: ArchivePorts,
  telling: Telling,
): Promise<Result<CarriedOut>> {
  const { form, runIds } = request
  return attemptAsync(async () => {
    for (const id of runIds ?? []) unwrap(ports.reader.getRun(id))
    const exportsFolder = request.folder ?? ports.library.exportsFolder
    if (form === 'bundle') return exportBundle({ ...request, exportsFolder }, ports, telling)
    const archive = unwrap(openJournalArchive(ports.reader.path))
    try {
      const { name, fill } = folderForms[form]
      const head = { version: 1, form, createdAtMs: Date.now(), appVersion, schema: archive.schema } as const
      return await writeArchiveFolder(exportsFolder, name, head, async (write) => {
        await fill({ ...telling, archive, runIds, write })
        telling.signal.throwIfAborted()
      })
    } finally {
      archive.close()
    }
  }).catch((error: unknown) => {
    if (telling.signal.aborted) return fail(stopped())
    // A row that cannot be read, while it was written.
    const problem = asJournalProblem(error, ports.reader.path)
    if (problem === undefined) throw error
    return fail(problem)
  })
}

// Taking away what a run made, for the screens: exported and checked as one job, and the list of what was taken.
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import type { ExportItem, SomeHandlers } from '#shared/contract/index.ts'
import { type ExportForm, exportFormsOf } from '#shared/export-forms.ts'
import type { JournalArtifact, RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, type Result, unwrap } from '#shared/result.ts'
import type { PromptedExample } from '#shared/rows.ts'
import { datasetFolder, readSplit } from '../data/index.ts'
import { modelFolder } from '../models/model-library.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { appVersion } from '../system/app-version.ts'
import { sha256File } from '../system/durable-files.ts'
import type { JobTools } from '../system/jobs.ts'
import { readKept, writeKept } from '../system/kept-json.ts'
import { classNamesOf } from '../training/class-names.ts'
import { hasClassHead } from '../training/method-of.ts'
import { datasetOf } from '../training/run-dataset.ts'
import { runFolderOf } from '../training/run-service.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { checkExport, type ExportCheck, type ExportToCheck } from './check-export.ts'
import { exportRun } from './export-run.ts'

type ExportCallNames = 'export.start' | 'export.list'

/** Enough to tell swapped or damaged weights; each costs a row's time twice. */
const triedRows = 3

/** What came of the checks, by the export's folder name; kept in the run's folder. */
const checksFile = z.record(z.string(), z.strictObject({ isGood: z.boolean(), sentence: z.string() }))
const unchecked: ExportCheck = { isGood: true, sentence: 'Its files were read again when they were written.' }

export function createExportHandlers(context: WorkstationContext): SomeHandlers<ExportCallNames> {
  const { library, reader, writer, launcher, jobs } = context
  const checksPath = (runId: string): string => join(runFolderOf(library, runId), 'export-checks.json')
  const readChecks = (runId: string) => readKept(checksPath(runId), checksFile) ?? {}

  /** Rows that steered the run; none where the data set was removed: then the files alone are checked. */
  async function examplesOf({ recipe, datasetFingerprint }: RunDetail): Promise<PromptedExample[]> {
    const rows = await readSplit(datasetFolder(library, datasetFingerprint), 'validation')
    if (!rows.ok) return []
    const scenario = scenarioOf(recipe.scenario)
    return rows.value
      .slice(0, triedRows)
      .flatMap((row) => scenario.toExamples(row, recipe.instruction))
      .slice(0, triedRows)
  }

  function headOf(run: RunDetail): ExportToCheck['head'] {
    const { method, scenario } = run.recipe
    if (!hasClassHead(method)) return null
    return { method, scenario, classNames: [...classNamesOf(scenario, datasetOf(run, reader))] }
  }

  async function exportAndCheck(
    run: RunDetail,
    form: ExportForm,
    { signal, tell }: JobTools,
  ): Promise<ExportCheck> {
    tell('Writing the files')
    const { folder, files } = unwrap(await exportRun(run.id, form, { library, reader, writer, appVersion }))
    const tuned = unwrap(await requireTunedUnchanged(library, reader, run.id))
    const { model, threads, batch } = run.recipe
    tell('Checking the export')
    const check = unwrap(
      await checkExport(
        {
          folder,
          files,
          form,
          tuned,
          modelName: run.modelName,
          examples: await examplesOf(run),
          head: headOf(run),
          measure: {
            model: { folder: modelFolder(library, model.id), weightsSha256: model.weightsSha256 },
            cacheFolder: library.cacheFolder,
            threads,
            maxTokens: batch.maxTokens,
          },
        },
        { launcher, signal },
      ),
    )
    const checks = { ...readChecks(run.id), [basename(folder)]: check }
    await writeKept(checksPath(run.id), checks)
    return check
  }

  async function itemOf(
    runId: string,
    folder: string,
    parts: readonly JournalArtifact[],
    check: ExportCheck | undefined,
  ): Promise<ExportItem> {
    const place = join(library.home, ...folder.split('/'))
    const isThere = await stat(place).then(
      (found) => found.isDirectory(),
      () => false,
    )
    return {
      id: basename(folder),
      runId,
      kind: kindOf(parts),
      name: basename(folder),
      place,
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      files: parts.map(({ path, bytes }) => ({ name: basename(path), bytes })),
      createdAtMs: parts[0]?.createdAtMs ?? 0,
      check: check ?? unchecked,
      isThere,
      changed: isThere ? await changedFiles(place, parts) : [],
    }
  }

  return {
    'export.start': ({ runId, form }): Promise<Result<{ jobId: string }>> =>
      attemptAsync(async () => {
        const run = unwrap(reader.getRun(runId))
        unwrap(await requireTunedUnchanged(library, reader, runId))
        const job = { kind: 'export', title: run.name, projectId: run.projectId, runId } as const
        return jobs.start({ ...job, key: `export ${runId}` }, (tools) =>
          attemptAsync(() => exportAndCheck(run, form, tools)),
        )
      }),
    'export.list': ({ runId }) =>
      attemptAsync(async () => {
        const run = unwrap(reader.getRun(runId))
        const checks = readChecks(runId)
        const groups = byFolder(unwrap(reader.artifacts(runId)).filter(({ kind }) => kind === 'export'))
        const items = [...groups].map(([folder, parts]) =>
          itemOf(runId, folder, parts, checks[basename(folder)]),
        )
        const exports = await Promise.all(items)
        return {
          exports: exports.sort((a, b) => b.createdAtMs - a.createdAtMs),
          forms: [...exportFormsOf(run.recipe.method)],
        }
      }),
  }
}

function kindOf(parts: readonly JournalArtifact[]): ExportItem['kind'] {
  const has = (end: string): boolean => parts.some(({ path }) => path.endsWith(end))
  if (has('/adapter_model.safetensors')) return 'adapter'
  return has('.gguf') ? 'gguf' : 'model'
}

/** Files of each export by its folder; of one that was made again under a name that had become free, the newest. */
function byFolder(artifacts: readonly JournalArtifact[]): Map<string, JournalArtifact[]> {
  const folders = new Map<string, Map<string, JournalArtifact>>()
  for (const artifact of artifacts) {
    const folder = dirname(artifact.path)
    const files = folders.get(folder) ?? new Map<string, JournalArtifact>()
    files.set(artifact.path, artifact)
    folders.set(folder, files)
  }
  return new Map([...folders].map(([folder, files]) => [folder, [...files.values()]]))
}

/** Names of files that are missing or are not what was written. Read again only where the disk says that somebody wrote. */
async function changedFiles(place: string, parts: readonly JournalArtifact[]): Promise<string[]> {
  const names = await Promise.all(
    parts.map(async ({ path, bytes, sha256, createdAtMs }) => {
      const file = join(place, basename(path))
      const found = await stat(file).catch(() => null)
      const isSame =
        found?.size === bytes &&
        (found.mtimeMs <= createdAtMs || (await sha256File(file).catch(() => null)) === sha256)
      return isSame ? [] : [basename(path)]
    }),
  )
  return names.flat()
}

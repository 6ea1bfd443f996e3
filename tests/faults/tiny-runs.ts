// Runs of the tiny library in a real journal, to be trained by real trainer processes under the real supervisor.
import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { createNodeLauncher, type Launcher } from '#core/system/launcher.ts'
import { createRunService, type RunService } from '#core/training/run-service.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { ok, unwrap } from '#shared/result.ts'
import { makeTinyLibrary, type TestLibrary } from '../processes/trainer/tiny-run.ts'

export interface TinyRuns {
  readonly tiny: TestLibrary
  readonly writer: JournalWriter
  readonly reader: JournalReader
  /** A run that was not begun; `changes` overrides parts of the recipe. */
  addRun(changes: Record<string, unknown>): Promise<string>
  serviceOf(launcher?: Launcher): RunService
  close(): Promise<void>
}

export async function openTinyRuns(): Promise<TinyRuns> {
  const tiny = await makeTinyLibrary()
  const { library } = tiny
  const writer = unwrap(openJournalWriter(library.journalPath))
  const reader = unwrap(openJournalReader(library.journalPath))
  return {
    tiny,
    writer,
    reader,
    async addRun(changes) {
      const { recipe, datasetFolder } = await tiny.makeJob('never-launched', changes)
      const project = unwrap(writer.ensureProject({ name: 'faults', scenario: 'classification' }))
      const { id, weightsSha256 } = recipe.model
      const model = { id, name: id, source: 'test', licence: 'none', weightsSha256, parameters: 1 }
      unwrap(writer.addModel(model))
      const rows = {
        fingerprint: basename(datasetFolder),
        scenario: 'classification',
        sourceName: 'messages.csv',
        manifest: {},
      } as const
      unwrap(writer.addDataset({ ...rows, counts: { train: 1, validation: 1, test: 1, leftOut: 0 } }))
      const run = { name: 'run', recipe, backend: 'not started', device: {}, versions: {} }
      return unwrap(writer.createRun({ ...run, projectId: project.id })).id
    },
    serviceOf: (launcher = createNodeLauncher()) =>
      createRunService({
        ...{ library, writer, reader, launcher },
        silentLimitMs: 60_000,
        // It lies there without the manifest of an imported one.
        requireModel: async () => ok(undefined),
      }),
    async close() {
      reader.close()
      writer.close()
      await rm(library.home, { recursive: true, force: true })
    },
  }
}

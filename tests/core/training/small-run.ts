// A library with a small run that was really trained: the tiny model, short messages with their teams, at most eight steps.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importModel } from '#core/models/import-model.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import type { Library } from '#core/system/library.ts'
import { prepareRun } from '#core/training/prepare-run.ts'
import { createRunService } from '#core/training/run-service.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { freshFolder, freshLibrary } from '../models/places.ts'

export interface SmallRunPorts {
  readonly library: Library
  readonly writer: JournalWriter
  readonly reader: JournalReader
}

export interface SmallRun extends SmallRunPorts {
  readonly runId: string
  close(): void
}

export async function openSmallRun(name: string, rows: number): Promise<SmallRun> {
  const small = await prepareSmallRun(name, rows)
  await train(small.runId, small)
  return small
}

/** In the journal, not begun yet. `settings` of its recipe besides the usual ones. */
export async function prepareSmallRun(name: string, rows: number, settings: object = {}): Promise<SmallRun> {
  const library = freshLibrary()
  const writer = unwrap(openJournalWriter(library.journalPath))
  const reader = unwrap(openJournalReader(library.journalPath))
  const model = unwrap(await importModel(library, writeTinyModel(freshFolder())))
  const path = join(library.cacheFolder, 'messages.csv')
  writeFileSync(path, messagesCsv(rows))
  const draft = recipeDraft.parse({
    ...{ name, model: model.id, scenario: 'classification', threads: 1, device: 'cpu' },
    data: { path, columns: { text: 'message', label: 'team' } },
    method: { kind: 'lora', rank: 4, alpha: 8 },
    batch: { microRows: 4, accumulation: 1, maxTokens: 200 },
    duration: { epochs: 1, maxSteps: 8 },
    evaluation: { everySteps: 4 },
    optimizer: { learningRate: 0.01 },
    ...settings,
  })
  const ports = { library, writer, reader }
  const { runId } = unwrap(await prepareRun(draft, ports))
  const close = (): void => {
    reader.close()
    unwrap(writer.close())
  }
  return { ...ports, runId, close }
}

/** The run to its end, by a real trainer. */
export async function train(runId: string, { library, writer, reader }: SmallRunPorts): Promise<void> {
  const service = createRunService({ library, writer, reader, launcher: createNodeLauncher() })
  const { ended } = unwrap(await service.launch(runId))
  const { status } = await ended
  if (status !== 'finished') throw new Error(`the run is ${status}`)
}

// Runs of a new last layer on a tiny encoder, for tests: a library with two data sets, jobs, and a job run in this process.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { datasetFolder } from '#core/data/dataset-folder.ts'
import { importDataset } from '#core/data/import-dataset.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { writeTinyEncoder } from '../tiny-encoder.ts'
import { makeTestLibrary, messagesCsv, type TestLibrary } from './tiny-run.ts'

const names = ['anna', 'berta', 'carl', 'dora', 'emil', 'frida']
const towns = ['lisbon', 'oslo', 'paris', 'rome', 'turin', 'vienna']
const namedRows = Array.from({ length: 60 }, (_, i) => {
  const [name, town] = [names[i % 6]!, towns[(5 * i + (i % 7)) % 6]!]
  return { text: `${name} went to ${town} ${i}`, entities: `PERSON: ${name}\nPLACE: ${town}` }
})

/** CSV text of sentences with the names in them. */
export const namedRowsCsv = (): string =>
  `text,entities\n${namedRows.map(({ text, entities }) => `${text},"${entities}"`).join('\n')}\n`

export interface HeadRuns {
  readonly tiny: TestLibrary
  makeJob(scenario: ScenarioId, changes: Record<string, unknown>): Promise<TrainerJob>
}

/** `write` puts the model into a folder. The caller removes `tiny.library.home`. */
export async function makeHeadRuns(write: (folder: string) => string = writeTinyEncoder): Promise<HeadRuns> {
  const id = 'tiny-body'
  const tiny = await makeTestLibrary(messagesCsv(120), async ({ modelsFolder }) => {
    const folder = write(join(modelsFolder, id))
    return { id, weightsSha256: await sha256File(join(folder, 'model.safetensors')) }
  })
  const path = join(tiny.library.cacheFolder, 'names.jsonl')
  await writeFile(path, namedRows.map((row) => JSON.stringify(row)).join('\n'))
  const data = recipeDraft.shape.data.parse({ path })
  const { fingerprint } = unwrap(await importDataset(tiny.library, data, 'entity-recognition'))
  let runs = 0
  return {
    tiny,
    async makeJob(scenario, changes) {
      runs += 1
      const isNamed = scenario === 'entity-recognition'
      const job = await tiny.makeJob(`run-${runs}`, {
        scenario,
        duration: { epochs: 30 },
        optimizer: { learningRate: 0.05 },
        evaluation: { everySteps: 20, patience: null },
        checkpoints: { everySeconds: null, everySteps: 1000 },
        ...(isNamed && { data: { fingerprint } }),
        ...changes,
      })
      return isNamed ? { ...job, datasetFolder: datasetFolder(tiny.library, fingerprint) } : job
    },
  }
}

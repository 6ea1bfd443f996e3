// A run small enough for tests, of real parts: a library with the tiny model and an imported CSV of short messages with
// labels.
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasetFolder } from '../../../src/core/data/dataset-folder.ts'
import { importDataset } from '../../../src/core/data/import-dataset.ts'
import { sha256File } from '../../../src/core/system/durable-files.ts'
import { type Library, openLibrary } from '../../../src/core/system/library.ts'
import { counterRandom } from '../../../src/engine/index.ts'
import { recipe, recipeDraft } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'
import type { TrainerJob } from '../../../src/shared/trainer-protocol.ts'
import { writeTinyModel } from '../tiny-model.ts'

const modelId = 'tiny-llama'
const subjects = [
  'bill',
  'parcel',
  'password',
  'refund',
  'delivery',
  'login',
  'invoice',
  'courier',
  'account',
]
const teams = ['money', 'shipping', 'access', 'money', 'shipping', 'access', 'money', 'shipping', 'access']
const openings = ['my', 'the', 'about my', 'where is the', 'trouble with my', 'please check the']

/** CSV text of `count` different messages, each with the team that answers it. */
export function messagesCsv(count: number): string {
  const random = counterRandom(5, 'messages')
  const lines = Array.from({ length: count }, (_, i) => {
    const subject = Math.floor(random(2 * i) * subjects.length)
    const opening = openings[Math.floor(random(2 * i + 1) * openings.length)]
    return `${opening} ${subjects[subject]} ${'!'.repeat(i % 7)}${i},${teams[subject]}`
  })
  return `message,team\n${lines.join('\n')}\n`
}

export interface TestLibrary {
  readonly library: Library
  readonly modelFolder: string
  /** A job for a new run; `changes` overrides parts of the recipe. */
  makeJob(runId: string, changes?: Record<string, unknown>): Promise<TrainerJob>
}

/** A new library with the tiny model in a temporary folder; the caller removes `library.home`. */
export function makeTinyLibrary(csv: string = messagesCsv(60)): Promise<TestLibrary> {
  return makeTestLibrary(csv, async (library) => {
    const folder = writeTinyModel(join(library.modelsFolder, modelId))
    return { id: modelId, weightsSha256: await sha256File(join(folder, 'model.safetensors')) }
  })
}

/** A new library with the model that `addModel` adds and the imported CSV. */
export async function makeTestLibrary(
  csv: string,
  addModel: (library: Library) => Promise<{ readonly id: string; readonly weightsSha256: string }>,
): Promise<TestLibrary> {
  const library = openLibrary(await mkdtemp(join(tmpdir(), 'tunewright-trainer-')))
  const { id, weightsSha256 } = await addModel(library)
  const csvPath = join(library.cacheFolder, 'messages.csv')
  await writeFile(csvPath, csv)
  const data = recipeDraft.shape.data.parse({
    path: csvPath,
    columns: { text: 'message', label: 'team' },
  })
  const { fingerprint } = unwrap(await importDataset(library, data, 'classification'))
  const modelFolder = join(library.modelsFolder, id)
  return {
    library,
    modelFolder,
    async makeJob(runId, changes = {}) {
      const runFolder = join(library.runsFolder, runId)
      await mkdir(runFolder, { recursive: true })
      return {
        runId,
        modelFolder,
        datasetFolder: datasetFolder(library, fingerprint),
        runFolder,
        cacheFolder: library.cacheFolder,
        cacheLimitBytes: 1e9,
        firstSeq: 1,
        recipe: recipe.parse({
          version: 1,
          model: { id, weightsSha256 },
          data: { fingerprint },
          scenario: 'classification',
          instruction: 'Answer with money, shipping or access.',
          threads: 1,
          method: { kind: 'lora', rank: 4, alpha: 8 },
          optimizer: { learningRate: 0.01 },
          batch: { microRows: 4, accumulation: 2, maxTokens: 200 },
          duration: { epochs: 3 },
          checkpoints: { everySeconds: null, everySteps: 3, keepLast: 2 },
          ...changes,
        }),
      }
    },
  }
}

export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'))
}

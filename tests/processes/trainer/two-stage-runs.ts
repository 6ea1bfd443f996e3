// Runs of two stages, of real parts: texts of a field as a data set of their own beside the tiny library's messages.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { datasetFolder } from '../../../src/core/data/dataset-folder.ts'
import { importDataset } from '../../../src/core/data/import-dataset.ts'
import { counterRandom } from '../../../src/engine/index.ts'
import { recipe, recipeDraft } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'
import type { TrainerJob } from '../../../src/shared/trainer-protocol.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'

/** Of the texts below, with the batch of `tiny-run.ts`: 19 are used, 8 in a step. */
export const firstSteps = 6

const sentences = [
  'The courier leaves parcels at the gate.',
  'A refund takes nine days.',
  'Bills are sent in May.',
  'Who forgets a password asks the desk.',
  'Each invoice has a number.',
]

/** Texts of one to three sentences, and one that is too long for the tests' rows. */
function textsOfField(): string {
  const random = counterRandom(9, 'texts')
  const texts = Array.from({ length: 19 }, (_, text) => {
    const count = 1 + (text % 3)
    const chosen = Array.from(
      { length: count },
      (_, at) => sentences[Math.floor(random(3 * text + at) * sentences.length)],
    )
    return `Note ${text}. ${chosen.join(' ')}`
  })
  const long = `On and on it goes, ${'and on '.repeat(60)}to the end.`
  return [...texts, long].map((text) => JSON.stringify({ text })).join('\n')
}

/** As `makeTinyLibrary`; every job has a first stage of two passes, unless `before: null` is among the changes. */
export async function makeTwoStageLibrary(csv?: string): Promise<TestLibrary> {
  const tiny = await makeTinyLibrary(csv)
  const path = join(tiny.library.cacheFolder, 'texts.jsonl')
  await writeFile(path, textsOfField())
  const data = recipeDraft.shape.data.parse({ path, validationShare: 0, testShare: 0 })
  const { fingerprint } = unwrap(await importDataset(tiny.library, data, 'domain'))
  return {
    ...tiny,
    async makeJob(runId, { before = {}, ...changes } = {}): Promise<TrainerJob> {
      const job = await tiny.makeJob(runId, changes)
      if (before === null) return job
      const stage = { fingerprint, epochs: 2, ...(before as object) }
      return {
        ...job,
        beforeFolder: datasetFolder(tiny.library, fingerprint),
        recipe: recipe.parse({ ...job.recipe, before: stage }),
      }
    },
  }
}

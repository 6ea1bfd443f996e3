// A library with the tiny T5 and messages that it learns to sort by writing the label.
import { join } from 'node:path'
import { sha256File } from '#core/system/durable-files.ts'
import { writeTinyT5 } from '../tiny-t5.ts'
import { makeTestLibrary, messagesCsv, type TestLibrary } from './tiny-run.ts'

/** The caller removes `library.home`. */
export function makeT5Library(): Promise<TestLibrary> {
  const id = 'tiny-t5'
  return makeTestLibrary(messagesCsv(60), async ({ modelsFolder }) => {
    const folder = writeTinyT5(join(modelsFolder, id))
    return { id, weightsSha256: await sha256File(join(folder, 'model.safetensors')) }
  })
}

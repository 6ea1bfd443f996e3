// The starter model in a library that tests share: imported once on a computer, found again after that.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importModel } from '#core/models/import-model.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import type { HashedFolder } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'

export interface StarterFolder {
  readonly library: Library
  readonly model: HashedFolder
}

export async function importStarter(ggufPath: string): Promise<StarterFolder> {
  const library = openLibrary(join(tmpdir(), 'tunewright-tests-starter'))
  const { id, weightsSha256 } = unwrap(await importModel(library, ggufPath))
  return { library, model: { folder: join(library.modelsFolder, id), weightsSha256 } }
}

// The folder of an engine for tests that only look at it: files of the published sizes with nothing in them, and its list.
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeManifest } from '../../src/core/engines/engine-manifest.ts'
import type { EnginePack } from '../../src/core/engines/engine-packs.ts'

/** What is there already stays. Hashes are made up, so that hundreds of megabytes are not read for them. */
export async function fillEngineFolder(folder: string, pack: EnginePack): Promise<void> {
  const known = new Map<string, string>()
  for (const { place, sizeBytes } of pack.wheels.flatMap(({ members }) => members)) {
    const path = join(folder, place)
    known.set(path, '0'.repeat(64))
    mkdirSync(dirname(path), { recursive: true })
    try {
      writeFileSync(path, '', { flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw error
    }
    truncateSync(path, sizeBytes)
  }
  await writeManifest(folder, pack, known)
}

// Where an export lies, by its id: the name of its folder, or of a run bundle's file, in the library's exports.
import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Library } from '../system/library.ts'

/** Ending of a run bundle's name. */
export const bundleEnding = '.tunewright'

/** The export's folder or file; null for an id that names none. Nothing outside the exports is ever named. */
export function exportPlace(library: Pick<Library, 'exportsFolder'>, exportId: string): string | null {
  if (exportId !== basename(exportId) || /^\.*$/.test(exportId)) return null
  const folder = join(library.exportsFolder, exportId)
  try {
    const found = statSync(folder)
    return found.isDirectory() || (found.isFile() && exportId.endsWith(bundleEnding)) ? folder : null
  } catch {
    return null
  }
}

// Where an export lies, by its id: the name of its folder in the library's exports.
import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Library } from '../system/library.ts'

/** The export's folder; null for an id that names none. Nothing outside the exports is ever named. */
export function exportPlace(library: Pick<Library, 'exportsFolder'>, exportId: string): string | null {
  if (exportId !== basename(exportId) || /^\.*$/.test(exportId)) return null
  const folder = join(library.exportsFolder, exportId)
  try {
    return statSync(folder).isDirectory() ? folder : null
  } catch {
    return null
  }
}

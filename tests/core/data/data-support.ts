// A library in a temporary folder, files to import, and drafts that say nothing but the path.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Library, openLibrary } from '#core/system/library.ts'
import { type RecipeDraft, recipeDraft } from '#shared/recipe.ts'

export interface Workshop {
  readonly library: Library
  /** Writes a file beside the library and answers its path. */
  write(name: string, content: string | Uint8Array): string
  remove(): void
}

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-data-'))
  return {
    library: openLibrary(join(folder, 'library')),
    write(name, content) {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export const draftOf = (path: string, rest: Partial<RecipeDraft['data']> = {}): RecipeDraft['data'] =>
  recipeDraft.shape.data.parse({ path, ...rest })

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tables/${name}`, import.meta.url))

/** CSV of `count` messages in `labels` labels, every text different. */
export function messagesCsv(count: number, labels = 3): string {
  const rows = Array.from({ length: count }, (_, i) => `"Message number ${i}, please",label ${i % labels}`)
  return `text,label\n${rows.join('\n')}\n`
}

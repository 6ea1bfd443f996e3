// Temporary folders that vanish after each test file, and a fresh journal with the sample library in one of them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type JournalWriter, openJournalWriter, type WriterOptions } from '#journal/writer.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import { addSampleLibrary, good } from './sample.ts'

const root = mkdtempSync(join(tmpdir(), 'tunewright-journal-'))
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }))

/** A new, empty folder. */
export const temporaryFolder = (): string => mkdtempSync(join(root, 'test-'))

export function openSample(options: WriterOptions & { path?: string } = {}): {
  writer: JournalWriter
  path: string
  newRun: NewRun
} {
  const path = options.path ?? join(temporaryFolder(), 'journal.db')
  const writer = good(openJournalWriter(path, options))
  return { writer, path, newRun: addSampleLibrary(writer) }
}

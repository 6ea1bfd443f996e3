// Folders and libraries for tests of the model library, below one temporary folder that goes away with the test.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { type Library, openLibrary } from '#core/system/library.ts'
import type { Problem, Result } from '#shared/result.ts'

export const home = mkdtempSync(join(tmpdir(), 'tunewright-models-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
let count = 0
export const freshFolder = (): string => join(home, `folder-${count++}`)
export const freshLibrary = (): Library => openLibrary(join(home, `library-${count++}`))
export const problemOf = (result: Result<unknown>): Problem => {
  if (result.ok) throw new Error('it was accepted')
  return result.problem
}

export const nothingWasAdded = async (library: Library): Promise<void> => {
  expect(readdirSync(library.modelsFolder)).toEqual([])
}

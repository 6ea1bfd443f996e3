// Runs go to the bin one by one: what fails is told, and the others go on.
import { existsSync, mkdirSync } from 'node:fs'
import { basename } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeRuns } from '#core/experiments/remove-runs.ts'
import { createJobBoard } from '#core/system/jobs.ts'
import { openLibrary } from '#core/system/library.ts'
import { runFolderOf } from '#core/training/run-service.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import { fail, ok } from '#shared/result.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import { addSampleLibrary, good } from '../../journal/support/sample.ts'

let writer: JournalWriter
let reader: JournalReader
let newRun: NewRun
const library = openLibrary(temporaryFolder())

beforeEach(() => {
  writer = good(openJournalWriter(library.journalPath))
  newRun = addSampleLibrary(writer)
  reader = good(openJournalReader(library.journalPath))
})
afterEach(() => {
  reader.close()
  good(writer.close())
})

function addRun(): string {
  const { id } = good(writer.createRun(newRun))
  good(writer.setRunStatus(id, 'cancelled'))
  mkdirSync(runFolderOf(library, id), { recursive: true })
  return id
}

test('one that is under way, one that the bin refuses and one that is not there keep no other', async () => {
  const [first = '', refused = '', last = ''] = [addRun(), addRun(), addRun()]
  const active = good(writer.createRun(newRun)).id
  const binned: string[] = []
  const problem = {
    code: 'bin.failed' as const,
    message: 'The bin is full.',
    where: 'bin',
    remedy: 'Empty it.',
  }
  const host = {
    kind: 'direct' as const,
    pickedPath: () => null,
    moveToBin: (path: string) => {
      if (basename(path) === refused) return Promise.resolve(fail(problem))
      binned.push(basename(path))
      return Promise.resolve(ok(undefined))
    },
  }
  const outcome = await removeRuns({ library, host, reader, writer, jobs: createJobBoard(() => {}) }, [
    first,
    active,
    refused,
    'no-run',
    last,
  ])
  expect(outcome.removed).toBe(2)
  expect(outcome.failed.map(({ runId, problem: { code } }) => [runId, code])).toEqual([
    [active, 'run.active'],
    [refused, 'bin.failed'],
    ['no-run', 'run.unknown'],
  ])
  expect(binned).toEqual([first, last])
  expect(new Set(good(reader.listRuns()).runs.map(({ id }) => id))).toEqual(new Set([active, refused]))
  expect(existsSync(runFolderOf(library, refused))).toBe(true)
})

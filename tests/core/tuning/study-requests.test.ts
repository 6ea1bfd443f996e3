// What one process asks another about studies: real files in a folder.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { requestOfStudy, takeStudyRequests } from '#core/tuning/study-requests.ts'

const cacheFolder = mkdtempSync(join(tmpdir(), 'tunewright-requests-'))
afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }))

test('a request is heard by who takes all of them, and taken back where nobody does', async () => {
  expect(takeStudyRequests({ cacheFolder })).toEqual([])
  const asked = [
    requestOfStudy({ cacheFolder }, { studyId: 'study-1', kind: 'stop' }, 60_000),
    requestOfStudy({ cacheFolder }, { studyId: 'study-2', kind: 'pause' }, 60_000),
  ]
  const taken: unknown[] = []
  while (taken.length < 2) {
    taken.push(...takeStudyRequests({ cacheFolder }))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(await Promise.all(asked)).toEqual([true, true])
  expect(taken).toHaveLength(2)
  expect(taken).toEqual(
    expect.arrayContaining([
      { studyId: 'study-1', kind: 'stop' },
      { studyId: 'study-2', kind: 'pause' },
    ]),
  )
  expect(await requestOfStudy({ cacheFolder }, { studyId: 'study-1', kind: 'stop' }, 400)).toBe(false)
  expect(takeStudyRequests({ cacheFolder })).toEqual([])
})

// The check of an export says only what was done: the same on rows, different, or not tried at all.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkExport, type ExportToCheck } from '#core/export/check-export.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { unwrap } from '#shared/result.ts'
import { makeProofFixture, type ProofFixture } from '../proof/proof-fixture.ts'

let fixture: ProofFixture
beforeAll(async () => {
  fixture = await makeProofFixture('classification', 50)
})
afterAll(() => fixture.close())

const check = async (changes: Partial<ExportToCheck> = {}) => {
  const { model, tuned, cacheFolder, threads, maxTokens } = fixture.spec
  const { folder } = tuned
  const measure = { model, cacheFolder, threads, maxTokens }
  const row = {
    rowId: 'r1',
    prompt: [{ role: 'user' as const, content: 'message 1 about bugs' }],
    answer: 'bug',
  }
  const spec = {
    folder,
    files: [],
    form: 'peft' as const,
    tuned,
    modelName: 'tiny',
    examples: [row],
    measure,
    head: null,
    ...changes,
  }
  return unwrap(await checkExport(spec, { launcher: createNodeLauncher() }))
}

test('an adapter that answers like the run says so, with the number of rows', async () => {
  expect(await check()).toMatchObject({
    isGood: true,
    sentence: expect.stringMatching(/tried on a row .*: the same as the run's own version/),
  })
})

test('where every row is too long nothing is claimed of rows', async () => {
  const prompt = [{ role: 'user' as const, content: 'a long message '.repeat(20) }]
  const long = { rowId: 'r1', prompt, answer: 'bug' }
  const { model, cacheFolder, threads } = fixture.spec
  const { isGood, sentence } = await check({
    measure: { model, cacheFolder, threads, maxTokens: 16 },
    examples: [long],
  })
  expect(isGood).toBe(true)
  expect(sentence).toContain('not tried on rows')
  expect(sentence).not.toContain('the same')
})

test('a file that is not what was written is named', async () => {
  const file = { name: 'README.md', sizeBytes: 1, sha256: 'a'.repeat(64) }
  writeFileSync(join(fixture.spec.tuned.folder, 'README.md'), 'something else')
  expect(await check({ files: [file] })).toEqual({
    isGood: false,
    sentence: 'README.md is not what was written. Export it again.',
  })
})

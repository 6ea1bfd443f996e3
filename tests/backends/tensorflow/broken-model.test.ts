// What the runtime does with a model that it cannot read: the encoder is made to write one, all else is real.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { tinyTrainings } from '../../conformance/tiny-training.ts'
import { findTensorflow } from '../../support/tensorflow.ts'

vi.mock('#backends/tensorflow/graph-def.ts', async (original) => ({
  ...(await original<typeof import('#backends/tensorflow/graph-def.ts')>()),
  encodeSavedModel: () => new Uint8Array([255, 255, 255, 255]),
}))

const found = findTensorflow('float32')

describe.skipIf(found.length === 0).each(found)('$name', (backend) => {
  test('a SavedModel that cannot be loaded is a Problem, and leaves nothing behind', async () => {
    const workFolder = await mkdtemp(join(tmpdir(), 'tunewright-broken-'))
    const { built, weights } = tinyTrainings[0]!
    const result = await backend.compile(built.graph, { threads: 2, weights, workFolder })
    expect(result).toMatchObject({ ok: false, problem: { code: 'backend.failed' } })
    expect(await readdir(workFolder)).toEqual([])
    await rm(workFolder, { recursive: true })
  })
})

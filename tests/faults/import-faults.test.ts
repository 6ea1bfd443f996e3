// Fails the file operations of an import one after the other, on the side of the library and on the side of the person's
// files: the import ends in what it should bring or in one Problem, never in a throw, and the next one succeeds.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importDataset } from '#core/data/index.ts'
import { importModel } from '#core/models/import-model.ts'
import { listModels, verifyModel } from '#core/models/model-library.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { type Result, unwrap } from '#shared/result.ts'
import { draftOf, messagesCsv, openWorkshop } from '../core/data/data-support.ts'
import { tinyFiles, writeFiles } from '../core/models/tiny-model.ts'
import { type FaultKind, faultKinds, withFault } from './fault-files.ts'

/** An import of a model takes a third of a second: the short run fails every tenth operation. Kinds come in turn. */
const modelStride = process.env.TUNEWRIGHT_LONG ? 1 : 10

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tunewright-import-faults-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const problems = ['disk.full', 'disk.failed', 'file.unreadable', 'file.missing', 'data.damaged']

/** Gives back the number of operations; `work` runs below the watched folder without a fault. */
async function countOperations(watched: string, work: () => Promise<Result<unknown>>): Promise<number> {
  const { result, operations } = await withFault(watched, { at: 0, kind: 'EIO' }, work)
  expect(result).toMatchObject({ status: 'fulfilled', value: { ok: true } })
  return operations.length
}

function expectResult(result: PromiseSettledResult<Result<unknown>>, kind: FaultKind): void {
  if (result.status === 'rejected') throw result.reason
  if (result.value.ok) return
  expect(problems).toContain(result.value.problem.code)
  if (result.value.problem.code === 'disk.full') expect(kind).toBe('ENOSPC')
}

describe('a model', () => {
  const cases: [string, (library: Library, source: string) => string][] = [
    ['the library', (library) => library.home],
    ["the person's folder", (_, source) => source],
  ]
  it.each(cases)(
    'with faults in %s',
    async (_, watchedOf) => {
      const source = writeFiles(join(home, 'tiny'), tinyFiles())
      let library = openLibrary(join(home, 'counting'))
      const length = await countOperations(watchedOf(library, source), () => importModel(library, source))
      expect(length).toBeGreaterThan(10)
      await rm(library.home, { recursive: true })
      for (let at = 1; at <= length; at += modelStride) {
        const kind = faultKinds[Math.floor(at / modelStride) % faultKinds.length]!
        library = openLibrary(join(home, `${kind}-${at}`))
        const { result } = await withFault(watchedOf(library, source), { at, kind }, () =>
          importModel(library, source),
        )
        expectResult(result, kind)
        const { models, damaged } = await listModels(library)
        expect(damaged).toEqual([])
        for (const { id } of models) unwrap(await verifyModel(library, id))
        unwrap(await importModel(library, source))
        await rm(library.home, { recursive: true })
      }
    },
    600_000,
  )
})

describe('a data set', () => {
  it('with each operation failing, kinds in turn', async () => {
    const workshop = openWorkshop()
    const draft = draftOf(workshop.write('messages.csv', messagesCsv(60)))
    const run = () => importDataset(workshop.library, draft, 'classification')
    const { datasetsFolder } = workshop.library
    const length = await countOperations(datasetsFolder, run)
    expect(length).toBeGreaterThan(20)
    for (let at = 1; at <= length; at += 1) {
      const kind = faultKinds[at % faultKinds.length]!
      await rm(datasetsFolder, { recursive: true })
      const { result } = await withFault(datasetsFolder, { at, kind }, run)
      expectResult(result, kind)
      unwrap(await run())
    }
    workshop.remove()
  })
})

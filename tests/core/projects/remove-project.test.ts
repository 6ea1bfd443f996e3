// A project of which one run cannot go to the bin: the others go, it stays with its rows, and a second try ends it.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { dispatch, makeApi } from '#shared/contract/index.ts'
import { fail, ok, unwrap } from '#shared/result.ts'
import { addSampleLibrary } from '../../journal/support/sample.ts'
import { temporaryHome } from '../workstation/open-workstation.ts'

const noBin = { code: 'bin.failed', message: 'No bin.', where: '-', remedy: '-' } as const

test('a run that cannot be moved keeps the project and its rows, and no other run', async () => {
  const home = await temporaryHome()
  const { journalPath } = openLibrary(home)
  const writer = unwrap(openJournalWriter(journalPath))
  const newRun = addSampleLibrary(writer)
  const runIds = ['First', 'Second', 'Third'].map((name) => {
    const { id } = unwrap(writer.createRun({ ...newRun, name }))
    unwrap(writer.startAttempt(id))
    unwrap(writer.failRun(id, { status: 'failed', problem: noBin }))
    mkdirSync(join(home, 'runs', id), { recursive: true })
    return id
  })
  unwrap(writer.close())
  const moved: string[] = []
  let stuck = join(home, 'runs', runIds[1] ?? '')
  const { handlers, close } = unwrap(
    createWorkstation({
      home,
      launcher: createNodeLauncher(),
      host: {
        kind: 'direct',
        pickedPath: () => null,
        moveToBin: async (path) => {
          if (path === stuck) return fail(noBin)
          moved.push(path)
          return ok(undefined)
        },
      },
    }),
  )
  const api = makeApi({
    call: (name, input) => dispatch(handlers, name, input),
    onEvent: () => () => {},
  })
  const { projectId } = newRun
  unwrap(await api.call('projects.addSample', { projectId }))
  const rows = join(home, 'projects', projectId)

  expect(unwrap(await api.call('projects.remove', { projectId }))).toEqual({
    removed: 2,
    failed: [{ runId: runIds[1], name: 'Second', problem: noBin }],
  })
  expect(moved).not.toContain(rows)
  const { runs, files } = unwrap(await api.call('projects.get', { projectId }))
  expect(runs.map(({ name }) => name)).toEqual(['Second'])
  expect(files).toHaveLength(1)

  stuck = ''
  expect(unwrap(await api.call('projects.remove', { projectId }))).toEqual({ removed: 1, failed: [] })
  expect(moved.at(-1)).toBe(rows)
  expect(unwrap(await api.call('projects.list', {})).projects).toEqual([])
  await close()
})

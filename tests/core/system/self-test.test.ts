// What the self-test says where something is wrong: each fault is a line that a person understands, and the checks after
// it are still done. No process is started here; machine-handlers.test.ts does that.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Launcher } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { runSelfTest, type SelfTestPorts } from '#core/system/self-test.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { selfTestIds } from '#shared/contract/index.ts'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { fail, ok, unwrap } from '#shared/result.ts'
import { withFault } from '../../faults/fault-files.ts'
import { temporaryHome } from '../workstation/open-workstation.ts'

const problem = (code: ProblemCode) => ({ code, message: 'm', where: 'w', remedy: 'r' })

/** Every process answers as it should. */
const answering: Launcher = {
  launch: () => ({
    pid: undefined,
    send: () => {},
    onMessage: (listener) => queueMicrotask(() => listener({ kind: 'failed' })),
    onExit: (listener) => setTimeout(() => listener({ code: null, signal: 'SIGKILL', lastWords: '' })),
    kill: () => {},
  }),
}

async function openPorts(): Promise<SelfTestPorts> {
  const library = openLibrary(await temporaryHome())
  unwrap(unwrap(openJournalWriter(library.journalPath)).close())
  const reader = unwrap(openJournalReader(library.journalPath))
  return { library, launcher: answering, reader: () => reader, canWrite: () => ok(true) }
}

/** The one check that is no good, after all of them were done. */
async function theFault(ports: SelfTestPorts) {
  const checks = await runSelfTest(ports, () => {})
  expect(checks.map(({ id }) => id)).toEqual(selfTestIds)
  const faults = checks.filter((check) => check.problem !== null)
  expect(faults).toHaveLength(1)
  return faults[0]!
}

test('a full disk is said with what helps, and nothing is left of the try', async () => {
  const ports = await openPorts()
  const { home } = ports.library
  const { result } = await withFault(home, { at: 1, kind: 'ENOSPC' }, () => theFault(ports))
  expect(result).toMatchObject({
    value: {
      id: 'disk',
      detail: expect.stringMatching(/^The disk is full/),
      problem: { code: 'disk.full', remedy: expect.stringMatching(/^Free some space/) },
    },
  })
})

test('a folder that went away is said without a stack trace', async () => {
  const ports = await openPorts()
  rmSync(ports.library.modelsFolder, { recursive: true })
  const { id, problem: found } = await theFault(ports)
  expect({ id, code: found?.code }).toEqual({ id: 'models', code: 'file.unreadable' })
  expect(found?.message).not.toMatch(/ENOENT/)
})

test('several damaged models are named one by one', async () => {
  const ports = await openPorts()
  for (const id of ['m-0123456789abcdef', 'm-fedcba9876543210'])
    mkdirSync(join(ports.library.modelsFolder, id))
  const { id, detail, problem: found } = await theFault(ports)
  expect({ id, detail }).toEqual({ id: 'models', detail: '2 models are damaged.' })
  expect(found?.faults?.map(({ where }) => where)).toEqual([
    'models/m-0123456789abcdef/manifest.json',
    'models/m-fedcba9876543210/manifest.json',
  ])
})

test('a journal with faults says how many and which, in words', async () => {
  const ports = await openPorts()
  const reader = ports.reader()
  const verifyAll = () =>
    ok({
      damage: ['a row of runs refers to a missing row of projects'],
      brokenRuns: [{ runId: 'run-1', firstBadSeq: 7, reason: 'the hash is another' }],
      changedMeasurements: ['evaluation-2'],
    })
  const { detail, problem: found } = await theFault({ ...ports, reader: () => ({ ...reader, verifyAll }) })
  expect(detail).toBe('3 things in the journal of your runs are not what was written.')
  expect(found?.faults?.map(({ where }) => where)).toEqual([
    'journal.db',
    'run run-1',
    'measurement evaluation-2',
  ])
})

test('a journal that cannot be opened or read keeps its own words; one that another has open is sound', async () => {
  const ports = await openPorts()
  const unreadable = () => fail(problem('journal.corrupt'))
  expect(
    await theFault({ ...ports, reader: () => ({ ...ports.reader(), verifyAll: unreadable }) }),
  ).toMatchObject({
    id: 'journal',
    problem: problem('journal.corrupt'),
  })
  expect(await theFault({ ...ports, canWrite: () => fail(problem('journal.disk-full')) })).toMatchObject({
    id: 'journal',
    problem: problem('journal.disk-full'),
  })
  const checks = await runSelfTest({ ...ports, canWrite: () => fail(problem('journal.locked')) }, () => {})
  expect(checks.find(({ id }) => id === 'journal')?.detail).toMatch(/another Tunewright/)
})

test('a part that does not start says so, with its last words for a report', async () => {
  const ports = await openPorts()
  const launcher: Launcher = {
    launch: (name) =>
      name === 'scorer'
        ? {
            ...answering.launch(name),
            onMessage: () => {},
            onExit: (listener) =>
              setTimeout(() => listener({ code: 1, signal: null, lastWords: 'no such library' })),
          }
        : answering.launch(name),
  }
  expect(await theFault({ ...ports, launcher })).toMatchObject({
    id: 'scorer',
    detail: 'This part of Tunewright did not start.',
    problem: { code: 'scorer.failed', where: 'scorer', details: 'no such library' },
  })
})

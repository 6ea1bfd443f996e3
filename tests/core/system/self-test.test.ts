// What the self-test says where something is wrong: each fault is a line that a person understands, and the checks after
// it are still done. Only the journal is read by a real process here; machine-handlers.test.ts starts all of them.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { type ChildExit, createNodeLauncher, type Launcher, type ProcessName } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { runSelfTest, type SelfTestPorts } from '#core/system/self-test.ts'
import { selfTestIds } from '#shared/contract/index.ts'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { fail, ok, unwrap } from '#shared/result.ts'
import { withFault } from '../../faults/fault-files.ts'
import { openSample } from '../../journal/support/folders.ts'
import { temporaryHome } from '../workstation/open-workstation.ts'

const problem = (code: ProblemCode) => ({ code, message: 'm', where: 'w', remedy: 'r' })

interface Answer {
  /** What it says, if anything. */
  readonly says?: object
  readonly exit?: Partial<ChildExit>
}
const usual = (name: ProcessName): Answer =>
  name === 'journal-check' ? { says: { kind: 'finished', faults: [] } } : { says: { kind: 'failed' } }

/** Every process answers as it should, but for those that are told another answer. */
const answering = (others: Partial<Record<ProcessName, Answer>> = {}): Launcher => ({
  launch(name) {
    const { says, exit = {} } = others[name] ?? usual(name)
    return {
      pid: undefined,
      send: () => {},
      onMessage: (listener) => {
        if (says) queueMicrotask(() => listener(says))
      },
      onExit: (listener) => setTimeout(() => listener({ code: 0, signal: null, lastWords: '', ...exit })),
      kill: () => {},
    }
  },
})

const openPorts = async (): Promise<SelfTestPorts> => ({
  library: openLibrary(await temporaryHome()),
  launcher: answering(),
  canWrite: () => ok(true),
})

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

test('a card whose driver does not work is said with what to do; that there is no card is no fault', async () => {
  const ports = await openPorts()
  const card = {
    ...{ name: 'NVIDIA H200', vendor: 'nvidia' as const, driver: '570.1', computeCapability: null },
    memoryBytes: 2 ** 37,
    sentences: [],
  }
  const report = { cards: [card], sentences: ['Restart the computer.'], isFaulty: true }
  expect(await theFault({ ...ports, readGraphics: async () => report })).toMatchObject({
    id: 'graphics',
    problem: { code: 'device.missing', where: 'NVIDIA H200, 137 GB', remedy: 'Restart the computer.' },
  })
  const none = { cards: [], sentences: ['There is none.'], isFaulty: false }
  const checks = await runSelfTest({ ...ports, readGraphics: async () => none }, () => {})
  expect(checks.find(({ id }) => id === 'graphics')).toMatchObject({
    detail: 'There is none.',
    problem: null,
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
  const faults = [
    { where: 'journal.db', message: 'a row of runs refers to a missing row of projects' },
    { where: 'run run-1', message: 'from entry 7 on it is not what was written' },
  ]
  const launcher = answering({ 'journal-check': { says: { kind: 'finished', faults } } })
  expect(await theFault({ ...(await openPorts()), launcher })).toMatchObject({
    id: 'journal',
    detail: '2 things in the journal of your runs are not what was written.',
    problem: { code: 'journal.corrupt', faults },
  })
})

test('a journal that cannot be opened or read keeps its own words; one that another has open is sound', async () => {
  const ports = await openPorts()
  const unreadable = { says: { kind: 'failed', problem: problem('journal.corrupt') } }
  expect(await theFault({ ...ports, launcher: answering({ 'journal-check': unreadable }) })).toMatchObject({
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
  const launcher = answering({ scorer: { exit: { code: 1, lastWords: 'no such library' } } })
  expect(await theFault({ ...(await openPorts()), launcher })).toMatchObject({
    id: 'scorer',
    detail: 'This part of Tunewright did not start.',
    problem: { code: 'scorer.failed', where: 'scorer', details: 'no such library' },
  })
})

test('a real journal is read by a real process, and what was changed in it is found', {
  timeout: 60_000,
}, async () => {
  const ports = await openPorts()
  const path = ports.library.journalPath
  const { writer, newRun } = openSample({ path })
  unwrap(writer.createRun(newRun))
  unwrap(writer.close())
  const real = { ...ports, launcher: journalOnly() }
  const checks = await runSelfTest(real, () => {})
  expect(checks.find((check) => check.id === 'journal')).toMatchObject({ problem: null })
  const db = new Database(path)
  db.exec("UPDATE projects SET name = 'Another'")
  db.close()
  expect((await theFault(real)).problem).toMatchObject({
    code: 'journal.changed',
  })
})

/** Only the process that reads the journal is started. */
function journalOnly(): Launcher {
  const real = createNodeLauncher()
  const others = answering()
  return { launch: (name) => (name === 'journal-check' ? real : others).launch(name) }
}

// Texts that a new last layer names, through the contract with real parts: one process reads them one after the other, stays
// for a while, and makes room for that of another run.
import { beforeEach, expect, test, vi } from 'vitest'
import { openNamingProcess } from '#core/proof/naming-process.ts'
import type { ChildPort } from '#core/system/launcher.ts'
import { trainingMethod } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyEncoder } from '../../processes/tiny-encoder.ts'
import { newProject } from './new-project.ts'
import { type OpenWorkstation, openWorkstation, temporaryHome } from './open-workstation.ts'

vi.setConfig({ testTimeout: 120_000 })

async function trainHead(station: OpenWorkstation): Promise<string> {
  const { api } = station
  const { projectId } = await newProject(station, { writeModel: writeTinyEncoder })
  const changes = { 'duration.epochs': 1, 'checkpoints.everySeconds': null }
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'balanced', changes }))
  const statusOf = async () => unwrap(await api.call('training.get', { runId })).run.status
  await expect.poll(statusOf, { timeout: 60_000 }).toBe('finished')
  return runId
}

// Each click started a process of its own, with a model of its own.
test('texts of one run are read by one process, in their order, and as one alone', async () => {
  const station = await openWorkstation()
  const runId = await trainHead(station)
  const scorers = () => station.launched.filter((name) => name === 'scorer').length
  const name = async (text: string, of = runId) => station.api.call('predict.text', { runId: of, text })
  const before = scorers()
  const texts = ['where is my parcel', 'the bill is wrong']
  const [first, second] = await Promise.all(texts.map((text) => name(text)))
  expect(scorers()).toBe(before + 1)
  const sums = [first!, second!].map((named) =>
    unwrap(named).labels!.reduce((sum, { probability }) => sum + probability, 0),
  )
  for (const sum of sums) expect(sum).toBeCloseTo(1, 5)
  expect(unwrap(first!)).not.toEqual(unwrap(second!))
  expect(await name(texts[0]!)).toEqual(first)

  const long = await name('a parcel '.repeat(400))
  expect(long).toMatchObject({
    ok: false,
    problem: { message: expect.stringMatching(/tokens, more than the/) },
  })
  expect(await name('x'.repeat(100_001))).toMatchObject({
    ok: false,
    problem: { message: expect.stringMatching(/^At text: expected a length of at most 100000/) },
  })
  expect(await name(texts[1]!)).toEqual(second)
  expect(scorers()).toBe(before + 1)

  const many = await Promise.all(Array.from({ length: 12 }, () => name(texts[0]!)))
  expect(many.slice(0, 8)).toEqual(many.slice(0, 8).map(() => first))
  expect(many[11]).toMatchObject({ ok: false, problem: { code: 'limit.exceeded' } })

  const other = unwrap(
    await station.api.call('training.start', {
      projectId: unwrap(await station.api.call('training.get', { runId })).run.projectId,
      preset: 'balanced',
      changes: { 'duration.epochs': 9, 'checkpoints.everySeconds': null },
    }),
  ).runId
  const statusOf = async () => unwrap(await station.api.call('training.get', { runId: other })).run.status
  await expect.poll(statusOf, { timeout: 60_000 }).toBe('finished')
  expect(unwrap(await name(texts[0]!, other))).not.toEqual(unwrap(first!))
  expect(scorers()).toBe(before + 2)

  const open = name(texts[0]!)
  await station.close()
  const last = await open
  expect(last.ok || last.problem.code === 'proof.cancelled').toBe(true)
})

const job: Parameters<typeof openNamingProcess>[0] = {
  tuned: { kind: 'model', folder: 'f', weightsSha256: 'a'.repeat(64) },
  method: trainingMethod.parse({ kind: 'head' }),
  scenario: 'classification',
  threads: 1,
  modelFolder: 'f',
  classNames: ['a', 'b'],
  maxTokens: 64,
}
const side = { answer: 'a', lossNats: 0, logProbs: [0, -1] }

/** A child that answers as `onName` says. */
function childThat(onName: (tell: (message: unknown) => void, end: () => void) => void) {
  let hear: (message: unknown) => void = () => {}
  let exit: () => void = () => {}
  const port: ChildPort = {
    pid: 1,
    send: (message) => {
      if ((message as { kind: string }).kind === 'name') queueMicrotask(() => onName(hear, port.kill))
    },
    onMessage: (listener) => {
      hear = listener
    },
    onExit: (listener) => {
      exit = () => listener({ code: 1, signal: null, lastWords: 'out of memory' })
    },
    kill: () => exit(),
  }
  return port
}

let cacheFolder = ''
beforeEach(async () => {
  cacheFolder = await temporaryHome()
})

test('a process that dies, falls silent or says nonsense leaves nobody waiting', async () => {
  const ask = async (child: ChildPort) => {
    const process = await openNamingProcess(job, {
      launcher: { launch: () => child },
      cacheFolder,
      silenceMs: 20,
    })
    const named = await process.name('text')
    return { named, isOpen: process.isOpen, again: await process.name('text') }
  }
  for (const [child, words] of [
    [childThat((_, end) => end()), 'ended unexpectedly'],
    [childThat(() => {}), 'stopped answering'],
    [childThat((tell) => tell({ kind: 'rubbish' })), 'something unreadable'],
  ] as const)
    expect(await ask(child)).toMatchObject({
      named: { ok: false, problem: { code: 'scorer.failed', message: expect.stringContaining(words) } },
      isOpen: false,
      again: { ok: false },
    })
})

test('after a while without a text it ends, and a closed one says that it was stopped', async () => {
  const idle = await openNamingProcess(job, {
    launcher: { launch: () => childThat((tell) => tell({ kind: 'named', side, reason: null })) },
    cacheFolder,
    idleLimitMs: 10,
  })
  expect(await idle.name('text')).toEqual({ ok: true, value: { side, reason: null } })
  await expect.poll(() => idle.isOpen).toBe(false)

  const closed = await openNamingProcess(job, {
    launcher: { launch: () => childThat(() => {}) },
    cacheFolder,
  })
  const asked = closed.name('text')
  await closed.close()
  expect(await asked).toMatchObject({ ok: false, problem: { code: 'proof.cancelled' } })
})

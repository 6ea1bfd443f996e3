// Every way a trainer can end, met by the real supervisor over the real journal, with a real child process.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ChildExit, ChildPort } from '../../../src/core/system/launcher.ts'
import type { Library } from '../../../src/core/system/library.ts'
import { requestOfRun } from '../../../src/core/training/run-requests.ts'
import { createRunService, runFolderOf } from '../../../src/core/training/run-service.ts'
import type { ActiveRun, Clock } from '../../../src/core/training/run-supervisor.ts'
import type { JournalReader } from '../../../src/journal/reader.ts'
import type { JournalWriter } from '../../../src/journal/writer.ts'
import { ok, unwrap } from '../../../src/shared/result.ts'
import { finishedAt, forkScripted, openRunsToSupervise, type Script, step } from './scripted-trainer.ts'

const sha = 'a'.repeat(64)
let library: Library
let writer: JournalWriter
let reader: JournalReader
let runId: string
let close: () => void

beforeEach(() => {
  const opened = openRunsToSupervise()
  ;({ library, writer, reader, close } = opened)
  runId = opened.addRun()
})
afterEach(() => close())

const phase = { kind: 'phase', phase: 'training', detail: '' }
const finished = (reason: string) => finishedAt(2, reason)

async function follow(script: Script, silentLimitMs = 10_000) {
  const service = createRunService({
    library,
    writer,
    reader,
    launcher: { launch: () => forkScripted(script) },
    silentLimitMs,
    requireModel: async () => ok(undefined),
  })
  const run = unwrap(await service.launch(runId))
  const shown: { seq: number; kind: string; inJournal: boolean }[] = []
  run.onEvent(({ seq, event }) => {
    const head = unwrap(reader.getRun(runId)).headSeq
    shown.push({ seq, kind: event.kind, inJournal: event.kind === 'heartbeat' || head >= seq })
  })
  return { run, shown, service }
}

test('what is shown is in the journal already, in order and without gaps', async () => {
  const { run, shown } = await follow([phase, step(1), step(2), finished('completed')])
  expect(await run.ended).toEqual({ runId, status: 'finished', problem: null })
  expect(shown.map(({ kind }) => kind)).toEqual(['phase', 'step', 'step', 'finished'])
  expect(shown.every(({ inJournal }) => inJournal)).toBe(true)
  expect(unwrap(reader.curve(runId)).train.map(({ lossNats }) => lossNats)).toEqual([1, 0.5])
  expect(unwrap(reader.verifyChain(runId))).toMatchObject({ intact: true, events: 4 })
})

test('a trial that was given up is at its end, with the reason', async () => {
  const { run } = await follow([phase, step(1), { ...finished('pruned'), bestStep: 1, bestLossNats: 1 }])
  expect(await run.ended).toMatchObject({ runId, problem: null })
  const kept = unwrap(reader.getRun(runId))
  expect(kept).toMatchObject({ endReason: 'pruned', bestStep: 1, bestLossNats: 1, adapterSha256: null })
  expect((await run.ended).status).toBe(kept.status)
})

test.each([
  ['a trainer that dies', [phase, step(1), '!die'], 'trainer.crashed', /ended with code 7/],
  ['a trainer that is killed', [phase, step(1), '!kill'], 'trainer.crashed', /SIGKILL/],
  ['a trainer that goes without a word', [phase, step(1)], 'trainer.crashed', /ended with code 0/],
  ['a message that nobody agreed on', [phase, step(1), '!garbage', '!silent'], 'trainer.crashed', /not part/],
  ['a gap in the numbers', [phase, step(1), '!skip', step(2), '!silent'], 'trainer.crashed', /not part/],
])(
  '%s ends the run as crashed with a reason, and nothing shown is lost',
  async (_name, script, code, message) => {
    const { run } = await follow(script)
    const outcome = await run.ended
    expect(outcome.status).toBe('crashed')
    expect(outcome.problem?.code).toBe(code)
    expect(outcome.problem?.message).toMatch(message)
    expect(outcome.problem?.remedy).toContain('runs resume')
    const kept = unwrap(reader.getRun(runId))
    expect(kept.status).toBe('crashed')
    expect(kept.failure?.code).toBe(code)
    expect(unwrap(reader.curve(runId)).train).toHaveLength(1)
  },
)

test('a silent trainer is ended and the run says so', async () => {
  const { run } = await follow([phase, step(1), '!silent'], 1_500)
  expect(await run.ended).toMatchObject({ status: 'crashed', problem: { code: 'trainer.silent' } })
})

test('heartbeats are shown and not stored', async () => {
  const beat = { kind: 'heartbeat', step: 1, phase: 'training', residentBytes: 1 }
  const { run, shown } = await follow([phase, beat, beat, finished('completed')])
  expect((await run.ended).status).toBe('finished')
  expect(shown.filter(({ kind }) => kind === 'heartbeat')).toHaveLength(2)
  expect(unwrap(reader.getRun(runId)).headSeq).toBe(2)
})

describe('by a clock of the test', () => {
  let nowMs: number
  let isKilled: boolean
  let say: (event: object) => void
  let end: (exit: ChildExit) => void
  let run: ActiveRun
  beforeEach(async () => {
    vi.useFakeTimers()
    nowMs = 0
    isKilled = false
    const child: ChildPort = {
      pid: 1,
      send: () => {},
      onMessage: (listener) => {
        say = (event) => listener({ seq: 0, event })
      },
      onExit: (listener) => {
        end = listener
      },
      kill: () => {
        isKilled = true
      },
    }
    const clock: Clock = { utcMs: () => nowMs, monotonicMs: () => nowMs }
    const service = createRunService({ library, writer, reader, launcher: { launch: () => child }, clock })
    run = unwrap(await service.launch(runId))
  })
  afterEach(() => {
    end({ code: null, signal: 'SIGKILL', lastWords: '' })
    vi.useRealTimers()
  })
  /** Lets half seconds pass; `isBeating` says whether the trainer gives a sign of life in each. */
  const pass = (seconds: number, isBeating: boolean) => {
    for (let half = 0; half < 2 * seconds; half += 1) {
      nowMs += 500
      if (isBeating) say({ kind: 'heartbeat', step: 1, phase: 'training', residentBytes: 1 })
      vi.advanceTimersByTime(500)
    }
  }

  test('heartbeats keep a slow trainer alive, and ten silent seconds end it', async () => {
    pass(3600, true)
    expect(isKilled).toBe(false)
    pass(10, false)
    expect(isKilled).toBe(false)
    pass(1, false)
    expect(isKilled).toBe(true)
    end({ code: null, signal: 'SIGKILL', lastWords: '' })
    expect(await run.ended).toMatchObject({ status: 'crashed', problem: { code: 'trainer.silent' } })
  })

  test('a night with a closed lid is not the silence of the trainer', () => {
    pass(8, false)
    nowMs += 8 * 3600 * 1000
    pass(8, false)
    expect(isKilled).toBe(false)
  })
})

test('an adapter that is not there when the trainer says so ends the run with a reason (it threw)', async () => {
  const { run } = await follow([phase, { ...finished('completed'), adapterSha256: sha }])
  const outcome = await run.ended
  expect(outcome).toMatchObject({ status: 'crashed', problem: { code: 'checkpoint.damaged' } })
  expect(outcome.problem?.remedy).toContain('runs resume')
  expect(unwrap(reader.getRun(runId)).status).toBe('crashed')
})

test('a run folder that cannot be made is a Problem, and the run stays queued (it threw)', async () => {
  writeFileSync(runFolderOf(library, runId), 'in the way')
  const service = createRunService({ library, writer, reader, launcher: { launch: () => forkScripted([]) } })
  expect(await service.launch(runId)).toMatchObject({ ok: false, problem: { code: 'disk.failed' } })
  expect(unwrap(reader.getRun(runId)).status).toBe('queued')
})

test('a failure that the trainer reports keeps its own words', async () => {
  const problem = { code: 'training.diverged', message: 'm', where: 'step 3', remedy: 'r' }
  const { run } = await follow([phase, { kind: 'failed', problem }])
  expect(await run.ended).toMatchObject({ status: 'failed', problem })
})

test('a stopped run can go on: attempts and sequence numbers continue', async () => {
  const first = await follow([phase, step(1), '!await cancel', finished('cancelled')])
  first.run.cancel()
  expect((await first.run.ended).status).toBe('cancelled')
  const second = await follow([step(2), finished('completed')])
  expect((await second.run.ended).status).toBe('finished')
  const events = unwrap(reader.events(runId))
  expect(events.map(({ seq, attempt }) => [seq, attempt])).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
  ])
  const third = await second.service.launch(runId)
  expect(third).toMatchObject({ ok: false, problem: { code: 'run.not-resumable' } })
})

test('another process stops a run by a request in its folder; nonsense there is ignored', async () => {
  const { run } = await follow([
    phase,
    '!await pause',
    { kind: 'paused', step: 1, problem: null },
    '!await resume',
    { kind: 'resumed', step: 1 },
    finished('completed'),
  ])
  const nonsense = join(runFolderOf(library, runId), 'request.json')
  writeFileSync(nonsense, '{"kind":"explode"}')
  while (existsSync(nonsense)) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(unwrap(reader.getRun(runId)).status).toBe('running')
  await requestOfRun(runFolderOf(library, runId), 'pause')
  while (unwrap(reader.getRun(runId)).status !== 'paused')
    await new Promise((resolve) => setTimeout(resolve, 50))
  await requestOfRun(runFolderOf(library, runId), 'resume')
  expect((await run.ended).status).toBe('finished')
})

test('a run that is active is not launched twice', async () => {
  const { run, service } = await follow([phase, '!await cancel', finished('cancelled')])
  expect(await service.launch(runId)).toMatchObject({ ok: false, problem: { code: 'run.active' } })
  run.cancel()
  await run.ended
})

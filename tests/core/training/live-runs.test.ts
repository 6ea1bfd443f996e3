// Runs at work: one that ended before its launch was answered, and one that is being launched while everything stops.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLiveRuns } from '#core/training/live-runs.ts'
import type { ActiveRun, RunOutcome } from '#core/training/run-supervisor.ts'
import type { EventName, EventPayload } from '#shared/contract/index.ts'
import type { RunDetail, RunStatus } from '#shared/journal-types.ts'
import { ok, type Result } from '#shared/result.ts'
import type { TrainerMessage } from '#shared/trainer-protocol.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunewright-live-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const outcome: RunOutcome = { runId: 'run', status: 'finished', problem: null }

function activeRun(ended: Promise<RunOutcome>, onCancel: () => void = () => {}): ActiveRun {
  const nothing = (): void => {}
  return {
    runId: 'run',
    attempt: 1,
    pid: undefined,
    pause: nothing,
    resume: nothing,
    cancel: onCancel,
    onEvent: nothing,
    ended,
  }
}

function open(launch: () => Promise<Result<ActiveRun>>, statuses: RunStatus[]) {
  const told: { event: EventName; payload: unknown }[] = []
  const runs = createLiveRuns({
    service: { launch },
    reader: {
      getRun: () => {
        const status = statuses.length > 1 ? statuses.shift() : statuses[0]
        const run = { id: 'run', projectId: 'p', name: 'a run', status, attempts: 1, bestStep: 4, headSeq: 0 }
        return ok(run as RunDetail)
      },
      thinCurve: () => ok({ train: [], validation: [] }),
      datasets: () => ok([]),
    } as Parameters<typeof createLiveRuns>[0]['reader'],
    emit: (event, payload) => told.push({ event, payload }),
    runFolderOf: () => folder,
  })
  return { runs, told }
}

test('a run that is over before its launch is answered is told as over, and nobody works on it', async () => {
  const { runs, told } = open(async () => ok(activeRun(Promise.resolve(outcome))), ['running', 'finished'])
  expect(await runs.launch('run')).toEqual(ok({}))
  await new Promise((resolve) => setImmediate(resolve))
  expect(runs.list()).toEqual([])
  expect(runs.stateOf('run')).toBeNull()
  const updates = told.filter(({ event }) => event === 'training.update')
  expect(updates.map(({ payload }) => (payload as EventPayload<'training.update'>).state)).toMatchObject([
    { status: 'finished', phase: 'finished', bestStep: 4, timeLeftMs: null },
  ])
  expect(told.at(-1)).toEqual({ event: 'experiments.changed', payload: { runId: 'run' } })
})

test('a run that is just being launched is stopped with a checkpoint too', async () => {
  let launched: (active: Result<ActiveRun>) => void = () => {}
  const service = new Promise<Result<ActiveRun>>((resolve) => {
    launched = resolve
  })
  const { runs } = open(() => service, ['running', 'cancelled'])
  const answered = runs.launch('run')
  expect(await runs.launch('run')).toMatchObject({ ok: false, problem: { code: 'run.active' } })
  const stopped = runs.stopAll()
  let cancels = 0
  let end: (outcome: RunOutcome) => void = () => {}
  const ended = new Promise<RunOutcome>((resolve) => {
    end = resolve
  })
  launched(
    ok(
      activeRun(ended, () => {
        cancels += 1
        end({ ...outcome, status: 'cancelled' })
      }),
    ),
  )
  await Promise.all([answered, stopped])
  expect(cancels).toBe(1)
})

test('what was asked for is told at once and until it is done', async () => {
  let say: (message: TrainerMessage) => void = () => {}
  const active: ActiveRun = {
    ...activeRun(new Promise(() => {})),
    onEvent: (listener) => {
      say = listener
    },
  }
  const { runs, told } = open(async () => ok(active), ['running'])
  await runs.launch('run')
  const phase = (): string | undefined => runs.stateOf('run')?.phase
  say({ event: { kind: 'phase', phase: 'training', detail: '' }, seq: 1 } as TrainerMessage)
  expect(phase()).toBe('training')

  runs.pause('run')
  const last = told.findLast(({ event }) => event === 'training.update')?.payload
  expect((last as EventPayload<'training.update'>).state).toMatchObject({
    status: 'running',
    phase: 'pausing',
  })
  say({ event: { kind: 'paused', step: 1 }, seq: 2 } as TrainerMessage)
  expect(phase()).toBe('training')
  runs.pause('run')
  expect(phase()).toBe('training')

  runs.stop('run')
  expect(phase()).toBe('stopping')
  runs.resume('run')
  expect(phase()).toBe('stopping')
})

// Long work under way: how often it is told, how long its end is shown, and what a cancelled or faulty one comes to.
import { expect, test } from 'vitest'
import { createJobBoard } from '#core/system/jobs.ts'
import type { Job } from '#shared/contract/index.ts'
import { fail, ok } from '#shared/result.ts'

const kind = 'model' as const

function openBoard() {
  const told: Job[] = []
  const clock = { ms: 0 }
  const board = createJobBoard(
    (_event, payload) => told.push(payload as Job),
    () => clock.ms,
  )
  return { board, told, clock }
}

test('work that says the same phase a thousand times is told a few times, its end once', async () => {
  const { board, told, clock } = openBoard()
  const { jobId } = board.start({ kind, title: 'copying' }, async ({ tell }) => {
    for (let i = 0; i < 1000; i += 1) tell('Reading', 0, 100)
    clock.ms += 250
    for (let i = 0; i < 1000; i += 1) tell('Reading', 50.4, 100)
    for (let i = 0; i < 1000; i += 1) tell('Reading', 103, 100)
    return ok({})
  })
  await board.ended(jobId)
  expect(told.map(({ status, done, total }) => [status, done, total])).toEqual([
    ['running', 0, 0],
    ['running', 0, 100],
    ['running', 50, 100],
    ['running', 100, 100],
    ['done', 100, 100],
  ])
})

test('what was said between two tellings stands in the list', async () => {
  const { board } = openBoard()
  const { jobId } = board.start({ kind, title: 'copying' }, async ({ tell }) => {
    tell('Reading', 1, 10)
    tell('Reading', 2, 10)
    expect(board.list()).toMatchObject([{ done: 2 }])
    return ok({})
  })
  await board.ended(jobId)
  expect(board.list()).toMatchObject([{ status: 'done', problem: null }])
})

test('a job that worked for an hour is shown for minutes after its end, not forgotten at once', async () => {
  const { board, clock } = openBoard()
  const { jobId } = board.start({ kind, title: 'long' }, async () => {
    clock.ms += 60 * 60_000
    return ok({})
  })
  await board.ended(jobId)
  expect(board.list()).toMatchObject([{ id: jobId, status: 'done' }])
  clock.ms += 11 * 60_000
  expect(board.list()).toEqual([])
})

test('a cancelled job, a failed one and a fault of ours', async () => {
  const { board } = openBoard()
  const problem = { code: 'disk.full', message: 'Full.', where: 'disk', remedy: 'Free some.' } as const
  const cancelled = board.start({ kind, title: 'a' }, async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return fail(problem)
  })
  const failed = board.start({ kind, title: 'b' }, async () => fail(problem))
  const faulty = board.start({ kind, title: 'c' }, async () => {
    throw new Error('no such thing')
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(board.cancel(cancelled.jobId).ok).toBe(true)
  for (const { jobId } of [cancelled, failed, faulty]) await board.ended(jobId)
  expect(board.list().map((job) => [job.status, job.problem?.code])).toEqual([
    ['cancelled', 'disk.full'],
    ['failed', 'disk.full'],
    ['failed', 'internal.fault'],
  ])
  expect(board.cancel(failed.jobId)).toMatchObject({ ok: false, problem: { code: 'job.unknown' } })
})

test('of one key only one is at work; the second call gets its id', async () => {
  const { board } = openBoard()
  const key = 'once'
  let goOn: () => void = () => {}
  const first = board.start({ kind, title: 'a', key }, async () => {
    await new Promise<void>((resolve) => {
      goOn = resolve
    })
    return ok({})
  })
  expect(board.start({ kind, title: 'a', key }, async () => ok({}))).toEqual(first)
  await new Promise((resolve) => setImmediate(resolve))
  goOn()
  await board.ended(first.jobId)
  const again = board.start({ kind, title: 'a', key }, async () => ok({}))
  expect(again.jobId).not.toBe(first.jobId)
  await board.close()
})

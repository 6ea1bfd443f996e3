// Studies in the queue, beside runs that a person starts: whose turn it is between two trials, and what a study says of itself.
import { expect, test } from 'vitest'
import { goesOnWith } from '#core/training/run-of-search.ts'
import type { Turn } from '#core/training/run-queue-port.ts'
import type { GraphicsCard } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import { ok } from '#shared/result.ts'
import { good } from '../../journal/support/sample.ts'
import { lookOf, names, newRun, newStudy, openQueue, put, queuedStudy, stand } from './queue-stand.ts'

test('a run goes before the next trial of a study, which then goes on', async () => {
  const desk = openQueue()
  const { queue } = desk
  const studyId = newStudy('Night')
  queue.attachStudies({ describe: () => queuedStudy('Night'), pause: () => ok({}) })
  const ask = () => queue.askTurn({ kind: 'study', id: studyId, device: 'cpu' })
  const trial = await ask().granted
  expect(names(desk)).toEqual(['Night: running'])
  const run = newRun('Mine')
  await put(queue, run)
  expect(queue.waitingReason('run', run)).toBe(
    'It waits for one trial of the search “Night”: about 2 minutes left.',
  )
  let next: Turn | null = null
  const told: string[] = []
  const asked = queue.askTurn({
    kind: 'study',
    id: studyId,
    device: 'cpu',
    onWaiting: (reason) => told.push(reason),
  })
  void asked.granted.then((given) => {
    next = given
  })
  trial.release()
  trial.release()
  await lookOf(queue)
  expect(desk.launched).toEqual([[run, null]])
  expect(next).toBeNull()
  expect(names(desk)).toEqual(['Mine: running', 'Night: waiting'])
  expect(told.at(-1)).toBe('It waits for the run “Mine”: about 6 minutes left.')
  await desk.end(run)
  expect(next).not.toBeNull()
  // A wish that is taken back gets nothing, and gives back what it got.
  asked.cancel()
  const again = ask()
  again.cancel()
  await put(queue, newRun('Last'))
  expect(names(desk)).toEqual(['Last: running', 'Night: waiting'])
})

test('a study that asks before it gives its place back goes before a later study, and several cards are several trials', async () => {
  const card = { name: 'Card', vendor: 'nvidia', driver: '590.1', computeCapability: null } as GraphicsCard
  const desk = openQueue([card, card])
  const { queue } = desk
  const studies = new Map(['First', 'Second'].map((name) => [newStudy(name), name]))
  const [first, second] = [...studies.keys()]
  queue.attachStudies({ describe: (id) => queuedStudy(studies.get(id)!), pause: () => ok({}) })
  const ask = (id: string, device: DeviceId) => queue.askTurn({ kind: 'study', id, device })
  const turns = [await ask(first!, 'onnx-cuda').granted, await ask(first!, 'onnx-cuda').granted]
  expect(turns.map(({ card: number }) => number)).toEqual([0, 1])
  const other = ask(second!, 'onnx-cuda')
  await lookOf(queue)
  expect(queue.waitingReason('study', second!)).toBe('It waits for the search “First”: about 2 hours left.')
  const next = ask(first!, 'onnx-cuda')
  turns[1]!.release()
  expect((await next.granted).card).toBe(1)
  turns[0]!.release()
  expect((await other.granted).card).toBe(0)
})

test('a study that asks and gives its place back in the middle of a look goes before a later study (the later one took it)', async () => {
  const { queue } = openQueue()
  const [first, second] = [newStudy('First'), newStudy('Second')]
  queue.attachStudies({ describe: () => queuedStudy('Night'), pause: () => ok({}) })
  const ask = (id: string) => queue.askTurn({ kind: 'study', id, device: 'cpu' })
  const turn = await ask(first).granted
  const told: string[] = []
  const other = ask(second)
  void other.granted.then(() => told.push('Second'))
  await lookOf(queue)
  const look = queue.noticeChange()
  for (let tick = 0; tick < 8; tick++) await Promise.resolve()
  const next = ask(first)
  void next.granted.then(() => told.push('First'))
  turn.release()
  await look
  await lookOf(queue)
  expect(told).toEqual(['First'])
})

test('what the studies say is shown, and taking a study out pauses it', async () => {
  const desk = openQueue()
  const studyId = newStudy('Night')
  good(stand.writer.enqueue({ kind: 'study', id: studyId, priority: 0 }))
  let isPaused = false
  desk.queue.attachStudies({
    describe: () =>
      queuedStudy('Night', { holding: isPaused ? 'You paused it.' : 'It works from 22:00 to 7:00 only.' }),
    pause: () => {
      isPaused = true
      return ok({})
    },
  })
  expect(desk.queue.waitingReason('study', studyId)).toBe('It works from 22:00 to 7:00 only.')
  // It does not want its turn now, so nothing waits for it.
  const run = newRun('Mine')
  await put(desk.queue, run)
  expect(desk.launched).toEqual([[run, null]])
  good(await desk.queue.remove('study', studyId))
  expect(desk.queue.waitingReason('study', studyId)).toBe('You paused it.')
})

test('a trial of a search that lives is not continued by hand: it goes on with its search', async () => {
  const desk = openQueue()
  const studyId = newStudy('Night')
  const decided = { settings: {}, seed: 1, rungs: [], purpose: 'search' as const }
  const { runId } = good(stand.writer.addTrial({ studyId, number: 0, ...decided }, stand.base))
  const run = () => good(stand.reader.getRun(runId ?? ''))
  good(stand.writer.startAttempt(run().id))
  good(stand.writer.setRunStatus(run().id, 'cancelled'))
  good(stand.writer.changeStudy(studyId, { status: 'paused' }))
  expect(goesOnWith(stand.reader, run())).toBe(studyId)
  expect(await desk.queue.enqueueRun(run().id)).toMatchObject({
    ok: false,
    problem: { code: 'run.active', message: 'It goes on with its search, of which it is a trial.' },
  })
  expect(desk.launched).toEqual([])
  good(stand.writer.changeStudy(studyId, { status: 'stopped' }))
  expect(goesOnWith(stand.reader, run())).toBeNull()
  good(await desk.queue.enqueueRun(run().id))
  expect(desk.launched).toEqual([[run().id, null]])
})

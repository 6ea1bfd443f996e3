// Two runs at once through the contract, with real trainers: the second waits and says why, outlives the program, and is
// trained in its turn; a finished run is repeated and compared.
import { expect, test, vi } from 'vitest'
import type { QueueItem } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { newProject } from './new-project.ts'
import { type OpenWorkstation, openWorkstation } from './open-workstation.ts'

vi.setConfig({ testTimeout: 300_000 })

const long = { 'duration.epochs': 900, 'evaluation.patience': null, 'batch.maxTokens': 256, device: 'cpu' }
const short = { 'duration.maxSteps': 6, 'batch.maxTokens': 256, device: 'cpu' }

async function start(
  { api }: OpenWorkstation,
  projectId: string,
  name: string,
  changes: Record<string, string | number | null>,
): Promise<string> {
  return unwrap(await api.call('training.start', { projectId, preset: 'quick', changes, name })).runId
}
const viewOf = async ({ api }: OpenWorkstation, runId: string) =>
  unwrap(await api.call('training.get', { runId }))
const becomes = (station: OpenWorkstation, runId: string, status: string) =>
  expect
    .poll(async () => (await viewOf(station, runId)).run.status, { timeout: 120_000, interval: 200 })
    .toBe(status)
const queueOf = async ({ api }: OpenWorkstation): Promise<string[]> =>
  unwrap(await api.call('queue.list', {})).items.map(({ name, state }) => `${name}: ${state}`)

test('of two runs one waits with its reason, outlives the program and is trained in its turn', async () => {
  const station = await openWorkstation()
  const told: QueueItem[][] = []
  station.api.on('queue.changed', ({ items }) => told.push(items))
  const { projectId } = await newProject(station)
  const first = await start(station, projectId, 'First', long)
  const second = await start(station, projectId, 'Second', short)
  const third = await start(station, projectId, 'Third', short)
  expect(await queueOf(station)).toEqual(['First: running', 'Second: waiting', 'Third: waiting'])
  expect((await viewOf(station, first)).waiting).toBeNull()
  const waiting = await viewOf(station, second)
  expect(waiting).toMatchObject({
    run: { status: 'queued' },
    state: { status: 'queued' },
    canContinue: false,
  })
  expect(waiting.waiting).toMatch(/^It waits for the run “First”: /)
  expect(told.at(-1)?.map(({ name }) => name)).toEqual(['First', 'Second', 'Third'])
  // It is not at work: what is at work is one run.
  expect(unwrap(await station.api.call('system.activity', {})).runs.map(({ name }) => name)).toEqual([
    'First',
  ])
  expect(await station.api.call('training.continue', { runId: second })).toMatchObject({
    problem: { code: 'run.active', message: expect.stringContaining('waits for its turn already') },
  })
  expect(await station.api.call('experiments.remove', { runIds: [second] })).toMatchObject({
    value: { removed: 0, failed: [{ problem: { code: 'run.active' } }] },
  })
  unwrap(await station.api.call('queue.move', { kind: 'run', id: third, by: 1 }))
  unwrap(await station.api.call('queue.remove', { kind: 'run', id: third }))
  expect(await viewOf(station, third)).toMatchObject({ run: { status: 'cancelled' }, canContinue: true })
  await station.close()

  const again = await openWorkstation(station.home)
  await becomes(again, second, 'finished')
  // What ran when the program was closed waits for the person, and so does what was taken out.
  expect((await viewOf(again, first)).run.status).toBe('cancelled')
  expect((await viewOf(again, third)).run.status).toBe('cancelled')
  expect((await viewOf(again, second)).waiting).toBeNull()
  expect(await queueOf(again)).toEqual([])
})

test('a run is repeated: a run of its own, the same bits, and the screen is told', async () => {
  const station = await openWorkstation()
  const { projectId } = await newProject(station)
  const first = await start(station, projectId, 'Once', short)
  expect(await station.api.call('training.repeat', { runId: first })).toMatchObject({
    problem: { code: 'run.active' },
  })
  await becomes(station, first, 'finished')
  expect((await viewOf(station, first)).repeat).toBeNull()
  const { runId } = unwrap(await station.api.call('training.repeat', { runId: first }))
  const underWay = await viewOf(station, runId)
  expect(underWay.run.name).toBe('Once (repeat)')
  await becomes(station, runId, 'finished')
  expect((await viewOf(station, runId)).repeat).toMatchObject({
    originalId: first,
    originalName: 'Once',
    kind: 'same',
    differences: [],
  })
  // Where both are called the same, each is told by its number.
  unwrap(await station.api.call('experiments.edit', { runId, name: 'Once' }))
  expect(await viewOf(station, runId)).toMatchObject({ number: 2, repeat: { originalName: 'Once #1' } })
})

test('a run that was to remember one which is not there is not left as one that waits (it was)', async () => {
  const station = await openWorkstation()
  const { projectId } = await newProject(station)
  const asked = { projectId, preset: 'quick', changes: short, retriedFrom: 'nobody' } as const
  expect(await station.api.call('training.start', asked)).toMatchObject({
    problem: { code: 'journal.unknown' },
  })
  const { runs } = unwrap(await station.api.call('projects.get', { projectId }))
  expect(runs).toMatchObject([{ status: 'cancelled' }])
})

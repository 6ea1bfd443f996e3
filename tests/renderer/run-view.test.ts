import { expect, it } from 'vitest'
import { effectScope } from 'vue'
import type { TrainingView } from '#shared/contract/index.ts'
import { recipe } from '#shared/recipe.ts'
import { openTestPage } from './support/page.ts'

const runOf = (backend: string): TrainingView['run'] => ({
  ...{ id: 'r', projectId: 'p', projectName: 'Mail', name: 'Run', status: 'running' },
  ...{ scenario: 'classification', modelId: 'm', modelName: 'tiny', datasetFingerprint: 'd' },
  ...{ beforeFingerprint: null, seed: 1, backend, createdAtMs: 0, startedAtMs: 0, endedAtMs: null },
  ...{ attempts: 1, totalSteps: null, lastStep: null, bestStep: null, bestLossNats: null },
  ...{ failureCode: null, tags: [], device: {}, versions: {}, determinism: null, endReason: null },
  ...{ adapterSha256: null, failure: null, notes: '', headSeq: 0 },
  ...{ rating: null, isPinned: false, isArchived: false, trial: null },
  recipe: recipe.parse({
    version: 1,
    model: { id: 'm', weightsSha256: '0'.repeat(64) },
    data: { fingerprint: 'd' },
    ...{ scenario: 'classification', instruction: '', threads: 1 },
  }),
})
const stateOf = (totalSteps: number): TrainingView['state'] => ({
  ...{ runId: 'r', status: 'running', phase: 'training', step: 0, totalSteps, doneShare: 0 },
  ...{
    timeLeftMs: null,
    workedMs: null,
    spanMs: null,
    tokensPerSecond: null,
    bestStep: null,
    diagnoses: [],
    headSeq: 0,
  },
  device: { processorShare: null, residentBytes: null, memoryBytes: 1, diskBytes: 0, energyWh: null },
})
const nothing = { train: [], validation: [], samples: [], notices: [] }
let plannedSteps = 0
let reads = 0
let waiting: string | null = null
const page = openTestPage({
  'training.get': () => {
    reads += 1
    const rest = {
      number: null,
      canContinue: false,
      goesOnWith: null,
      hasAdapter: false,
      waiting,
      repeat: null,
    }
    return { run: runOf(`backend ${reads}`), state: stateOf(plannedSteps), ...nothing, ...rest }
  },
  'queue.remove': ({ id }) => {
    if (id !== 'r') throw new Error('another run')
    waiting = null
    return {}
  },
  'training.repeat': () => ({ runId: 'again' }),
})
const { bounded, joined, useRun } = await import('#renderer/features/training/run-view.ts')

const points = (...steps: number[]) => steps.map((step) => ({ step, lossNats: step / 10 }))

it('puts what comes behind what is known', () => {
  expect(joined(points(1, 2), points(3, 4))).toEqual(points(1, 2, 3, 4))
  expect(joined([], points(1))).toEqual(points(1))
  expect(joined(points(1, 2), [])).toEqual(points(1, 2))
})

it('replaces steps that were run again, and all behind them', () => {
  const again = [{ step: 2, lossNats: 9 }]
  expect(joined(points(1, 2, 3), again)).toEqual([...points(1), ...again])
  expect(joined(points(1, 2), points(1, 2))).toEqual(points(1, 2))
})

it('stays bounded however long a run is followed, its first and its newest points kept', () => {
  let known = points(0)
  for (let step = 1; step <= 30_000; step += 10)
    known = [...bounded(joined(known, points(...Array.from({ length: 10 }, (_, at) => step + at))))]
  expect(known.length).toBeLessThanOrEqual(4000)
  expect(known[0]).toEqual(points(0)[0])
  expect(known.slice(-1000)).toEqual(points(...Array.from({ length: 1000 }, (_, at) => 29_001 + at)))
})

it('is read again when its plan is there and when something happened: what computes it may have changed', async () => {
  const scope = effectScope()
  const run = scope.run(() => useRun('r'))!
  const tell = async (totalSteps: number, notices: TrainingView['notices'] = []) => {
    page.tell('training.update', { state: stateOf(totalSteps), ...nothing, notices })
    for (let turn = 0; turn < 40; turn++) await Promise.resolve()
    return run.view.value?.run.backend
  }
  await tell(0)
  expect(await tell(0)).toBe('backend 1')
  plannedSteps = 5
  expect(await tell(5)).toBe('backend 2')
  expect(await tell(5)).toBe('backend 2')
  expect(await tell(5, [{ atMs: 0, text: 'It goes on elsewhere.' }])).toBe('backend 3')
  scope.stop()
})

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve()
}
const item = (reason: string, state: 'waiting' | 'running' = 'waiting') => ({
  ...{ kind: 'run', id: 'r', name: 'Run', projectId: 'p', projectName: 'Mail', state, priority: 1 },
  ...{ addedAtMs: 0, reason, timeLeftMs: null, doneShare: null },
})

it('follows why it waits, is read again when its turn comes, and can be taken out of the queue', async () => {
  waiting = 'It waits for A.'
  const scope = effectScope()
  const run = scope.run(() => useRun('r'))!
  await settled()
  expect(run.view.value?.waiting).toBe('It waits for A.')
  const before = reads
  page.tell('queue.changed', { items: [item('It waits for B.')] })
  await settled()
  expect([run.view.value?.waiting, reads]).toEqual(['It waits for B.', before])
  waiting = null
  page.tell('queue.changed', { items: [item('It learns.', 'running')] })
  await settled()
  expect([run.view.value?.waiting, reads]).toEqual([null, before + 1])
  // One that goes into the queue while it is looked at.
  waiting = 'It waits for C.'
  page.tell('queue.changed', { items: [item('It waits for C.')] })
  await settled()
  expect(run.view.value?.waiting).toBe('It waits for C.')
  await run.takeOut()
  await settled()
  expect(run.view.value?.waiting).toBeNull()
  expect(page.calls).toContainEqual({ name: 'queue.remove', input: { kind: 'run', id: 'r' } })
  expect(await run.repeat()).toBe('again')
  scope.stop()
})

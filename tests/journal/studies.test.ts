// Studies, trials and the queue: what was decided is written with its run or not at all, and never changes.
import { afterEach, expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { NewRun, NewTrial, TrialEnd } from '#shared/journal-commands.ts'
import { studySpec } from '#shared/study.ts'
import { openSample } from './support/folders.ts'
import { codeOf, good, sampleRecipe, stepEvent } from './support/sample.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const spec = studySpec.parse({
  version: 1,
  base: sampleRecipe(),
  space: [{ kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-3, isLog: true }],
  sampler: 'random',
  budget: { trials: 5 },
  pruning: {},
  seed: 3,
})

function open() {
  const { writer, path, newRun } = openSample()
  const reader = good(openJournalReader(path))
  closers.push(() => {
    reader.close()
    writer.close()
  })
  const addStudy = (name = 'A night') =>
    good(writer.createStudy({ projectId: newRun.projectId, name, spec })).id
  return { writer, reader, path, newRun, addStudy }
}

const trialOf = (studyId: string, number: number): NewTrial => ({
  studyId,
  number,
  purpose: 'search',
  settings: { 'optimizer.learningRate': 1e-4 * (number + 1) },
  seed: 42,
  rungs: [{ share: 1 / 9, aboveNats: null }],
})

const endOf = (studyId: string, number: number, lossNats = 0.5): TrialEnd => ({
  studyId,
  number,
  status: 'complete',
  lossNats,
  lossStep: 10,
  rungLosses: [{ share: 1 / 9, lossNats: 1 }],
  reason: null,
  work: null,
})

test('a study and its trials are read as they were written', () => {
  const { writer, reader, newRun, addStudy } = open()
  const id = addStudy()
  expect(good(reader.study(id))).toMatchObject({
    id,
    name: 'A night',
    projectName: 'Support mail',
    status: 'waiting',
    spec,
    schedule: null,
    priority: 0,
    startedAtMs: null,
    workedMs: 0,
  })
  const schedule = { fromMinute: 1320, toMinute: 420 }
  good(writer.changeStudy(id, { status: 'running', schedule, workedMs: 7, notes: 'Mine.' }))
  expect(good(reader.study(id))).toMatchObject({ status: 'running', schedule, workedMs: 7, notes: 'Mine.' })
  expect(good(reader.study(id)).startedAtMs).toBeGreaterThan(0)
  const { runId } = good(writer.addTrial(trialOf(id, 0), newRun))
  good(writer.addTrial(trialOf(id, 1), null))
  expect(good(reader.getRun(runId ?? ''))).toMatchObject({
    status: 'queued',
    trial: { studyId: id, number: 0, confirming: null },
  })
  good(writer.endTrial(endOf(id, 0)))
  good(writer.endTrial({ ...endOf(id, 1), status: 'skipped', lossNats: null, reason: 'No room.' }))
  const trials = good(reader.trials(id))
  expect(trials).toMatchObject([
    { ...trialOf(id, 0), ...endOf(id, 0), runId, work: null },
    { number: 1, status: 'skipped', runId: null, reason: 'No room.' },
  ])
  expect(good(reader.studies()).map((study) => study.id)).toEqual([id])
  expect(good(reader.studies(newRun.projectId))).toHaveLength(1)
  expect(good(reader.studies('another'))).toEqual([])
  expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
})

test('a trial has the next number; the same once more is no error, another under its number is one', () => {
  const { writer, reader, newRun, addStudy } = open()
  const id = addStudy()
  expect(codeOf(writer.addTrial(trialOf(id, 1), newRun))).toBe('journal.gap')
  const first = good(writer.addTrial(trialOf(id, 0), newRun))
  expect(good(writer.addTrial(trialOf(id, 0), newRun))).toEqual(first)
  expect(good(writer.addTrial(trialOf(id, 0), { ...newRun, id: first.runId ?? '' }))).toEqual(first)
  const refused: readonly (readonly [NewTrial, NewRun | null])[] = [
    [{ ...trialOf(id, 0), seed: 1 }, newRun],
    [{ ...trialOf(id, 0), settings: { 'optimizer.learningRate': 1 } }, newRun],
    [{ ...trialOf(id, 0), rungs: [] }, newRun],
    [trialOf(id, 0), null],
    [trialOf(id, 0), { ...newRun, id: 'run-other' }],
  ]
  for (const [trial, run] of refused) expect(codeOf(writer.addTrial(trial, run))).toBe('journal.conflict')
  // A run that cannot be written takes its trial along.
  expect(codeOf(writer.addTrial(trialOf(id, 1), { ...newRun, projectId: 'none' }))).toBe('journal.unknown')
  const other = good(writer.addProject({ name: 'Other', scenario: 'classification' })).id
  expect(codeOf(writer.addTrial(trialOf(id, 1), { ...newRun, projectId: other }))).toBe('journal.conflict')
  expect(good(reader.trials(id))).toHaveLength(1)
  expect(good(reader.listRuns({ hasTrials: true })).total).toBe(1)
  expect(codeOf(writer.addTrial(trialOf('nobody', 0), newRun))).toBe('study.unknown')
})

test('runs that confirm a search are counted by themselves', () => {
  const { writer, reader, newRun, addStudy } = open()
  const id = addStudy()
  const purposes = ['search', 'preset', 'winner'] as const
  const runIds = purposes.map(
    (purpose, number) => good(writer.addTrial({ ...trialOf(id, number), purpose }, newRun)).runId ?? '',
  )
  const confirming = [null, 1, 2]
  expect(runIds.map((runId) => good(reader.getRun(runId)).trial?.confirming)).toEqual(confirming)
  const { runs } = good(reader.listRuns({ runIds, order: 'ascending' }))
  expect(runs.map(({ trial }) => [trial?.number, trial?.confirming])).toEqual([
    [0, null],
    [1, 1],
    [2, 2],
  ])
})

test('a trial ends once', () => {
  const { writer, newRun, addStudy } = open()
  const id = addStudy()
  good(writer.addTrial(trialOf(id, 0), newRun))
  expect(codeOf(writer.endTrial(endOf(id, 1)))).toBe('journal.unknown')
  good(writer.endTrial(endOf(id, 0)))
  good(writer.endTrial(endOf(id, 0)))
  expect(codeOf(writer.endTrial(endOf(id, 0, 0.4)))).toBe('journal.conflict')
  good(writer.addTrial(trialOf(id, 1), null))
  expect(codeOf(writer.endTrial(endOf(id, 1)))).toBe('journal.conflict')
})

test('a study that is over gets no trials and does not go on; one that failed may', () => {
  const { writer, reader, newRun, addStudy } = open()
  const id = addStudy()
  good(writer.enqueue({ kind: 'study', id, priority: 0 }))
  good(writer.changeStudy(id, { status: 'failed', reason: 'Out of memory twice.' }))
  expect(good(reader.study(id)).endedAtMs).not.toBeNull()
  expect(good(reader.queue())).toEqual([])
  good(writer.changeStudy(id, { status: 'waiting', reason: null }))
  expect(good(reader.study(id))).toMatchObject({ endedAtMs: null, reason: null })
  good(writer.changeStudy(id, { status: 'stopped' }))
  good(writer.changeStudy(id, { status: 'stopped', notes: 'That was it.' }))
  expect(codeOf(writer.changeStudy(id, { status: 'running' }))).toBe('journal.transition')
  expect(codeOf(writer.addTrial(trialOf(id, 0), newRun))).toBe('journal.transition')
})

test('a removed study takes its runs along; one that goes on is not removed, nor is its project', () => {
  const { writer, reader, newRun, addStudy } = open()
  const id = addStudy()
  const kept = good(writer.createRun(newRun)).id
  good(writer.setRunStatus(kept, 'cancelled'))
  const runId = good(writer.addTrial(trialOf(id, 0), newRun)).runId ?? ''
  good(writer.startAttempt(runId))
  good(writer.finishRun(runId, { reason: 'pruned', bestStep: 1, bestLossNats: 1, adapterSha256: null }))
  good(writer.endTrial({ ...endOf(id, 0), status: 'pruned' }))
  expect(codeOf(writer.removeStudy(id))).toBe('run.active')
  expect(codeOf(writer.removeProject(newRun.projectId))).toBe('run.active')
  good(writer.changeStudy(id, { status: 'finished' }))
  expect(good(writer.removeStudy(id))).toEqual({ runIds: [runId] })
  expect(good(reader.studies())).toEqual([])
  expect(codeOf(reader.study(id))).toBe('study.unknown')
  expect(codeOf(reader.trials(id))).toBe('study.unknown')
  expect(good(reader.listRuns({ hasTrials: true })).runs.map((run) => run.id)).toEqual([kept])
  const other = addStudy('Another')
  good(writer.changeStudy(other, { status: 'stopped' }))
  good(writer.removeProject(newRun.projectId))
  expect(good(reader.studies())).toEqual([])
})

test('trials are in the list where they are asked for or pinned', () => {
  const { writer, reader, newRun, addStudy } = open()
  const id = addStudy()
  const own = good(writer.createRun(newRun)).id
  const [first = '', second = ''] = [0, 1].map(
    (number) => good(writer.addTrial(trialOf(id, number), newRun)).runId ?? '',
  )
  const ids = (query: Parameters<typeof reader.listRuns>[0]) =>
    good(reader.listRuns({ ...query, order: 'ascending' })).runs.map((run) => run.id)
  expect(ids({})).toEqual([own])
  expect(ids({ hasTrials: true })).toEqual([own, first, second])
  expect(ids({ studyId: id })).toEqual([first, second])
  expect(ids({ runIds: [first] })).toEqual([first])
  good(writer.markRun(second, { isPinned: true, rating: 5 }))
  good(writer.markRun(own, { isArchived: true, rating: 2 }))
  expect(ids({})).toEqual([second])
  expect(ids({ archived: 'with' })).toEqual([own, second])
  expect(ids({ archived: 'only' })).toEqual([own])
  expect(ids({ isPinned: true })).toEqual([second])
  expect(ids({ isPinned: false, hasTrials: true })).toEqual([first])
  expect(ids({ minRating: 2, archived: 'with' })).toEqual([own, second])
  expect(ids({ sort: 'rating', archived: 'with', hasTrials: true })).toEqual([own, second, first])
  expect(good(reader.getRun(own))).toMatchObject({
    rating: 2,
    isPinned: false,
    isArchived: true,
    trial: null,
  })
  good(writer.markRun(own, { rating: null, isArchived: false }))
  expect(good(reader.getRun(own))).toMatchObject({ rating: null, isArchived: false })
  expect(codeOf(writer.markRun(own, { rating: 6 }))).toBe('journal.invalid')
  expect(codeOf(writer.markRun('nobody', { rating: 1 }))).toBe('run.unknown')
})

test('what waits goes by priority, then as it came, and changes place with its neighbour', () => {
  const { writer, reader, newRun, addStudy } = open()
  const study = addStudy()
  const [a = '', b = ''] = [0, 1].map(() => good(writer.createRun(newRun)).id)
  good(writer.enqueue({ kind: 'study', id: study, priority: 0 }))
  good(writer.enqueue({ kind: 'run', id: a, priority: 1 }))
  good(writer.enqueue({ kind: 'run', id: b, priority: 1 }))
  good(writer.enqueue({ kind: 'run', id: a, priority: 1 }))
  const order = () => good(reader.queue()).map(({ id }) => id)
  expect(order()).toEqual([a, b, study])
  good(writer.moveInQueue('run', b, 1))
  expect(order()).toEqual([b, a, study])
  good(writer.moveInQueue('run', b, 1))
  good(writer.moveInQueue('study', study, -1))
  expect(order()).toEqual([b, a, study])
  good(writer.moveInQueue('study', study, 1))
  expect(order()).toEqual([b, study, a])
  expect(codeOf(writer.moveInQueue('run', 'nobody', 1))).toBe('journal.unknown')
  expect(codeOf(writer.enqueue({ kind: 'run', id: 'nobody', priority: 1 }))).toBe('run.unknown')
  good(writer.dequeue('run', b))
  good(writer.dequeue('run', b))
  good(writer.setRunStatus(a, 'cancelled'))
  good(writer.removeRuns([a]))
  expect(order()).toEqual([study])
})

test('runs whose turn is to come stay queued when a dead process is cleared up after', () => {
  const { writer, reader, path, newRun, addStudy } = open()
  const [living, paused, over] = ['living', 'paused', 'over'].map(addStudy) as [string, string, string]
  const waits = good(writer.createRun(newRun)).id
  good(writer.enqueue({ kind: 'run', id: waits, priority: 1 }))
  const orphan = good(writer.createRun(newRun)).id
  const started = good(writer.createRun(newRun)).id
  good(writer.enqueue({ kind: 'run', id: started, priority: 1 }))
  good(writer.startAttempt(started))
  good(writer.appendEvents(started, 1, [stepEvent(1, 1)]))
  const [ofLiving = '', ofPaused = '', ofOver = ''] = [living, paused, over].map(
    (id) => good(writer.addTrial(trialOf(id, 0), newRun)).runId ?? '',
  )
  const ended = good(writer.addTrial(trialOf(living, 1), newRun)).runId ?? ''
  good(writer.endTrial({ ...endOf(living, 1), status: 'failed' }))
  good(writer.changeStudy(paused, { status: 'paused' }))
  good(writer.changeStudy(over, { status: 'stopped' }))
  good(writer.close())
  const next = good(openJournalWriter(path))
  expect(new Set(good(next.markOrphansInterrupted()))).toEqual(new Set([orphan, started, ofOver, ended]))
  for (const id of [waits, ofLiving, ofPaused]) expect(good(reader.getRun(id)).status).toBe('queued')
  good(next.close())
})

test('links are read from both ends', () => {
  const { writer, reader, newRun, addStudy } = open()
  const study = addStudy()
  const [a = '', b = ''] = [0, 1].map(() => good(writer.createRun(newRun)).id)
  good(writer.addLink({ runId: b, kind: 'retried-from', parent: a }))
  good(writer.addLink({ runId: b, kind: 'retried-from', parent: a }))
  good(writer.addLink({ runId: b, kind: 'winner-of', parent: study }))
  good(writer.addLink({ runId: study, kind: 'imported-from', parent: 'laptop' }))
  expect(good(reader.links(b)).map(({ kind, parent }) => [kind, parent])).toEqual(
    expect.arrayContaining([
      ['retried-from', a],
      ['winner-of', study],
    ]),
  )
  expect(good(reader.links(a))).toMatchObject([{ runId: b, kind: 'retried-from', parent: a }])
  expect(good(reader.links(study))).toHaveLength(2)
  expect(codeOf(writer.addLink({ runId: 'nobody', kind: 'repeats', parent: a }))).toBe('journal.unknown')
  expect(codeOf(writer.addLink({ runId: a, kind: 'repeats', parent: 'nobody' }))).toBe('journal.unknown')
})

test('views are kept by their names, and the last check is remembered', () => {
  const { writer, reader } = open()
  good(writer.saveView({ name: 'b', query: { minRating: 4 } }))
  good(writer.saveView({ name: 'a', query: {} }))
  good(writer.saveView({ name: 'b', query: { text: 'é" OR 1', tags: [null] } }))
  expect(good(reader.savedViews())).toEqual([
    { name: 'a', query: {} },
    { name: 'b', query: { text: 'é" OR 1', tags: [null] } },
  ])
  good(writer.removeView('a'))
  good(writer.removeView('a'))
  expect(good(reader.savedViews()).map(({ name }) => name)).toEqual(['b'])
  expect(good(reader.lastCheck())).toBeNull()
  good(writer.noteCheck({ atMs: 5, isSound: true, findings: [], tookMs: 1 }))
  const report = { atMs: 9, isSound: false, findings: ['run 3 was changed'], tookMs: 7 }
  good(writer.noteCheck(report))
  expect(good(reader.lastCheck())).toEqual(report)
})

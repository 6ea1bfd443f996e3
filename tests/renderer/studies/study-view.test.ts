// Searches and the queue as screens follow them: read again when something changed, gathered, late answers dropped; what
// could not be done says why.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import type { QueueItem, StudyPlan } from '#shared/contract/studies.ts'
import { ProblemError } from '#shared/result.ts'
import { openTestPage } from '../support/page.ts'
import { sampleSpace, sampleStudy } from './sample-study.ts'

const refused = () =>
  new ProblemError({ code: 'run.active', message: 'It is under way.', where: 'w', remedy: 'r' })
let trials = 1
let isRefused = false
const item = (id: string, state: QueueItem['state']): QueueItem => ({
  kind: 'run',
  id,
  name: id,
  projectId: 'p',
  projectName: 'P',
  state,
  priority: 1,
  addedAtMs: 0,
  reason: 'r',
  timeLeftMs: null,
  doneShare: null,
})
let items = [item('a', 'running'), item('b', 'waiting')]
const planned: { resolve: (plan: StudyPlan) => void; effort: string; hasSpace: boolean }[] = []
const page = openTestPage({
  'studies.get': () => sampleStudy({ search: trials }),
  'studies.list': () => ({ studies: [sampleStudy({ search: trials }).study] }),
  'studies.pause': () => {
    if (isRefused) throw refused()
    return {}
  },
  'studies.remove': () => ({}),
  'studies.edit': ({ name }) => {
    if (isRefused) throw refused()
    return { ...sampleStudy({ search: trials }).study, name }
  },
  'studies.adopt': ({ number }) => ({ projectId: `project-of-${number}` }),
  'studies.plan': ({ effort = 'night', space }) =>
    new Promise((resolve) => planned.push({ resolve, effort, hasSpace: space !== undefined })),
  'queue.list': () => ({ items }),
  'queue.move': () => {
    if (isRefused) throw refused()
    return {}
  },
  'queue.remove': () => ({}),
})
const { useStudy } = await import('#renderer/features/studies/study-view.ts')
const { useStudies } = await import('#renderer/features/studies/study-list.ts')
const { useStudyPlan } = await import('#renderer/features/studies/study-plan.ts')
const { useQueue } = await import('#renderer/stores/queue.ts')

const callsOf = (name: string): number => page.calls.filter((call) => call.name === name).length
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1)
let scope = effectScope()
beforeEach(() => {
  vi.useFakeTimers()
  scope = effectScope()
  page.calls.splice(0)
  trials = 1
  isRefused = false
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

describe('a search that is followed', () => {
  it('is read once for all that it tells in a moment, and not for others or after it was left', async () => {
    const { view } = scope.run(() => useStudy('study-1'))!
    await settle()
    trials = 5
    for (let n = 0; n < 9; n++) page.tell('studies.changed', { studyId: 'study-1' })
    page.tell('studies.changed', { studyId: 'other' })
    await vi.advanceTimersByTimeAsync(2000)
    expect([callsOf('studies.get'), view.value?.trials.length]).toEqual([2, 5])
    page.tell('studies.changed', { studyId: 'study-1' })
    scope.stop()
    await vi.advanceTimersByTimeAsync(2000)
    expect(callsOf('studies.get')).toBe(2)
  })

  it('says why something could not be done, and is not read again once it is removed', async () => {
    const { view, problem, act, edit, adopt } = scope.run(() => useStudy('study-1'))!
    await settle()
    isRefused = true
    expect(await act('studies.pause')).toBe(false)
    expect(problem.value?.message).toBe('It is under way.')
    expect((await edit({ name: 'New' }))?.code).toBe('run.active')
    expect(view.value?.study.name).toBe('Night search')
    isRefused = false
    expect(await edit({ name: 'New' })).toBe(null)
    expect(view.value?.study.name).toBe('New')
    expect(await adopt(7)).toBe('project-of-7')
    const before = callsOf('studies.get')
    expect(await act('studies.remove')).toBe(true)
    expect(callsOf('studies.get')).toBe(before)
  })

  it('stands in lists, of one project or of all', async () => {
    const studies = scope.run(() => useStudies('p'))!
    await settle()
    expect(page.calls.at(-1)?.input).toEqual({ projectId: 'p' })
    trials = 4
    page.tell('studies.changed', { studyId: 'any' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(studies.value[0]?.trials.complete).toBe(sampleStudy({ search: 4 }).study.trials.complete)
  })
})

describe('a search that is planned', () => {
  const plan = (effort: string, sentence: string): StudyPlan => ({
    effort: effort as StudyPlan['effort'],
    dimensions: [{ dimension: sampleSpace[0]!, isIncluded: true, reason: 'r' }],
    sampler: 'tpe',
    budget: { trials: 12, workMs: null, untilMs: null },
    trials: null,
    trialSeconds: null,
    workSeconds: null,
    priors: 0,
    confirmSeeds: 3,
    parallel: 1,
    sentences: [sentence],
    blocking: null,
  })
  const request = { projectId: 'p', preset: 'balanced', changes: {} } as const
  async function answer(sentence = 's'): Promise<void> {
    const next = planned.shift()
    next?.resolve(plan(next.effort, sentence))
    await settle()
  }

  it('shows the newest answer, with the ranges that the effort proposes kept beside it', async () => {
    const { plan: shown, proposals, ask, isAsking } = scope.run(() => useStudyPlan())!
    ask({ ...request, effort: 'night' }, true)
    await settle()
    await answer('proposed')
    const late = planned.shift()
    // Bug to guard against: an answer to an earlier question replaced that to a later one.
    ask({ ...request, effort: 'night', space: sampleSpace }, true)
    await settle()
    const own = planned.shift()
    own?.resolve(plan('night', 'own'))
    await settle()
    late?.resolve(plan('night', 'late'))
    await settle()
    expect([own?.hasSpace, shown.value?.sentences, isAsking.value]).toEqual([true, ['own'], false])
    await answer()
    await answer()
    expect([...proposals.value.keys()].sort()).toEqual(['night', 'short', 'thorough'])
  })

  it('of another project knows nothing of the one before', async () => {
    const { plan: shown, proposals, ask } = scope.run(() => useStudyPlan())!
    ask({ ...request, effort: 'short' }, true)
    await settle()
    await answer()
    await answer('mine')
    expect(shown.value?.sentences).toEqual(['mine'])
    ask({ ...request, projectId: 'q', effort: 'short' }, true)
    expect([shown.value, proposals.value.size]).toEqual([null, 0])
    planned.splice(0)
  })
})

describe('the queue', () => {
  it('is followed, moved and thinned out, and says what was refused', async () => {
    const queue = useQueue()
    await queue.load()
    expect([queue.running.map(({ id }) => id), queue.waiting.map(({ id }) => id)]).toEqual([['a'], ['b']])
    page.tell('queue.changed', { items: [item('a', 'running'), item('c', 'waiting'), item('b', 'waiting')] })
    expect(queue.waiting.map(({ id }) => id)).toEqual(['c', 'b'])
    isRefused = true
    await queue.move(item('b', 'waiting'), 1)
    expect(queue.problem?.code).toBe('run.active')
    isRefused = false
    items = [item('a', 'running')]
    await queue.takeOut(item('b', 'waiting'))
    expect(
      page.calls.some(
        ({ name, input }) => name === 'queue.remove' && JSON.stringify(input) === '{"kind":"run","id":"b"}',
      ),
    ).toBe(true)
    expect([queue.waiting.length, queue.problem]).toEqual([0, null])
  })
})

// A study as it is read: by which loss it is told, and which trials stand on its fronts.
import { expect, test } from 'vitest'
import { importanceAtOnce } from '#core/tuning/kept-importance.ts'
import { cardOf, viewOf } from '#core/tuning/read-study.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { fail, ok } from '#shared/result.ts'
import type { JournalStudy, StudyTrial, TrialWork } from '#shared/study.ts'
import { distrustWords } from '#shared/trial-words.ts'
import { recordedTrial, recordedWork } from './recorded-trials.ts'
import { specOf } from './scripted-studies.ts'

const living = { waiting: null, timeLeftMs: null, doneShare: null }
const study: JournalStudy = {
  id: 'study',
  projectId: 'project',
  projectName: 'Project',
  name: 'Search',
  status: 'finished',
  spec: specOf(),
  schedule: null,
  priority: 0,
  notes: '',
  createdAtMs: 1,
  startedAtMs: 1,
  endedAtMs: 9,
  workedMs: 8,
  reason: null,
}
const trial = (number: number, lossNats: number, of: Partial<TrialWork>): StudyTrial =>
  recordedTrial(number, { lossNats, work: recordedWork({ peakResidentBytes: 100, tunedBytes: 10, ...of }) })

const withoutRuns = {
  getRun: () => fail({ code: 'run.unknown', message: 'There is no such run.', where: '', remedy: '' }),
  timeAtWork: () => ok(0),
}

test('a trial under way has its time at work, which counts for the search too; one that is to begin has none', () => {
  const planned = [3, 4].map((number) => recordedTrial(number, { status: 'planned', lossNats: null }))
  const reader = {
    trials: () => ok([trial(0, 1.2, {}), ...planned]),
    eventsOfKind: () => ok([]),
    getRun: (id: string) =>
      ok({ id, attempts: id === 'run-3' ? 1 : 0, lastStep: 18, totalSteps: 27 } as RunDetail),
    timeAtWork: () => ok(45_000),
  }
  const {
    trials,
    study: card,
    saved,
  } = viewOf(reader, { ...study, status: 'paused' }, living, importanceAtOnce)
  expect(trials.map(({ work }) => work && [work.durationMs, work.steps, work.plannedSteps])).toEqual([
    [1000, 10, 10],
    [45_000, 18, 27],
    null,
  ])
  expect([card.workedMs, saved?.workedMs]).toEqual([45_008, 1000])
})

test('a card has the mean of the best settings over enough other seeds, and how many runs are to confirm', () => {
  const confirming = (lossNats: number | null, at: number, purpose: 'preset' | 'winner') =>
    recordedTrial(at, { purpose, seed: at, ...(lossNats === null ? { status: 'failed' } : {}), lossNats })
  const cardWith = (winners: readonly (number | null)[], confirmSeeds = 3) => {
    const runs = [
      confirming(1.4, 5, 'preset'),
      ...winners.map((loss, n) => confirming(loss, 6 + n, 'winner')),
    ]
    return cardOf({ ...study, spec: specOf({ confirmSeeds }) }, [trial(0, 0.9, {}), ...runs], living)
  }
  const card = cardWith([1, 1.2, 1.1])
  expect(card.best).toMatchObject({
    number: 0,
    lossNats: 0.9,
    mean: { lossNats: expect.closeTo(1.1, 9), seeds: 3 },
  })
  expect([card.confirming, card.confirmingPlanned]).toEqual([4, 6])
  // Of fewer that came to their end it would say next to nothing.
  expect(cardWith([1, 1.2, null]).best).toMatchObject({ lossNats: 0.9, mean: null })
  expect(cardWith([], 1).confirmingPlanned).toBe(0)
  expect(cardOf(study, [], living).best).toBeNull()
  const left = {
    ...trial(2, 1, {}),
    status: 'failed' as const,
    lossNats: null,
    reason: distrustWords.damaged,
  }
  expect(cardOf(study, [trial(0, 0.9, {}), left], living)).toMatchObject({ best: { number: 0 }, leftOut: 1 })
})

test('against memory only trials stand on the front whose own peak is known', () => {
  const trials = [
    trial(0, 1.2, {}),
    // It began in the process of the first one, whose peak may be its.
    trial(1, 0.9, { isModelReused: true, peakResidentBytes: 90 }),
    trial(2, 1, { peakResidentBytes: 150, tunedBytes: 20 }),
  ]
  const reader = { ...withoutRuns, trials: () => ok(trials), eventsOfKind: () => ok([]) }
  const { fronts } = viewOf(reader, study, living, importanceAtOnce)
  const front = (against: string) => fronts.find((one) => one.against === against)?.trials
  expect([...(front('memory') ?? [])].sort()).toEqual([0, 2])
  expect(front('size')).toEqual([1])
})

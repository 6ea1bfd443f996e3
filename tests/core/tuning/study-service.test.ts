// What a study decides and survives, over a real journal with runs by a formula and a clock that is turned: its budget, its
// hours, pauses, a full disk, crashes, closing and opening.
import { expect, test, vi } from 'vitest'
import { newRunOf } from '#core/training/prepare-run.ts'
import type { StudyRequest } from '#core/tuning/study-requests.ts'
import { stopTrialOf } from '#core/tuning/trial-end.ts'
import { trialRecipe } from '#core/tuning/trial-recipe.ts'
import { noteWinnerRun } from '#core/tuning/winner-run.ts'
import { type Problem, unwrap } from '#shared/result.ts'
import type { StudiedSettings, StudyTrial } from '#shared/study.ts'
import { busySentence, openScripted, type ScriptedStudies, specOf } from './scripted-studies.ts'
import { tableOf } from './study-station.ts'

vi.setConfig({ testTimeout: 400_000 })

const minute = 60_000
const trialsOf = ({ reader }: ScriptedStudies, id: string): StudyTrial[] => unwrap(reader.trials(id))
const statusOf = ({ reader }: ScriptedStudies, id: string) => unwrap(reader.study(id)).status
const waitingOf = ({ reader, studies }: ScriptedStudies, id: string) =>
  studies.waitingOf(unwrap(reader.study(id)))

const atEnd = async (opened: ScriptedStudies, id: string, status = 'finished'): Promise<void> => {
  await opened.clock.until(() => ['finished', 'stopped', 'failed'].includes(statusOf(opened, id)))
  expect(statusOf(opened, id)).toBe(status)
}
/** Until a trial is at work. */
const atWork = (opened: ScriptedStudies, launches: number): Promise<void> =>
  opened.clock.until(() => opened.runs.launched.length === launches)

async function search(spec = specOf()) {
  const opened = openScripted()
  const id = opened.create(spec)
  unwrap(opened.studies.begin(id))
  await atEnd(opened, id)
  return { opened, id, table: tableOf(trialsOf(opened, id)) }
}

let kept: ReturnType<typeof tableOf> | null = null
/** Of a study that nobody disturbed. */
async function undisturbed() {
  kept ??= (await search()).table
  return kept
}

test('a study searches, gives up, confirms with other seeds, and is the same twice', async () => {
  const { opened, id, table } = await search()
  const tried = table.filter(({ purpose }) => purpose === 'search')
  expect(tried).toHaveLength(12)
  expect(new Set(tried.map(({ status }) => status))).toEqual(new Set(['complete', 'pruned']))
  // The first ones have nothing to compare with.
  expect(tried.slice(0, 4).every(({ rungs }) => rungs.every(({ aboveNats }) => aboveNats === null))).toBe(
    true,
  )
  const pruned = tried.find(({ status }) => status === 'pruned')!
  expect(pruned.reason).toMatch(/^It was given up after (11|33) % of its steps: its loss was /)
  const best = tried
    .filter(({ status }) => status === 'complete')
    .sort((a, b) => a.lossNats! - b.lossNats!)[0]!
  expect(table.slice(12)).toMatchObject([
    { purpose: 'preset', settings: {}, seed: 43, rungs: [] },
    { purpose: 'winner', settings: best.settings, seed: 43, rungs: [] },
    { purpose: 'preset', settings: {}, seed: 44 },
    { purpose: 'winner', settings: best.settings, seed: 44 },
  ])
  const study = unwrap(opened.reader.study(id))
  expect(study.workedMs).toBe(trialsOf(opened, id).reduce((sum, { work }) => sum + work!.durationMs!, 0))
  expect(await undisturbed()).toEqual(table)
  expect((await search(specOf({ seed: 8 }))).table).not.toEqual(table)
})

test.each([
  ['grid', [2, 4], 'All 2 points of the grid were tried.'],
  ['tpe', [2, 4, 8], 'All 3 points of the ranges were tried.'],
  ['tpe', [4], 'The only point of the ranges was tried.'],
] as const)(
  'by %s of %j it ends where nothing is left to try, and says so',
  async (sampler, values, said) => {
    const space = [{ kind: 'choice' as const, path: 'method.rank', values: [...values], onlyWhen: null }]
    const { opened, id, table } = await search(specOf({ sampler, space, confirmSeeds: 3 }))
    expect(table.map(({ purpose }) => purpose)).toEqual([
      ...values.map(() => 'search'),
      ...['preset', 'winner', 'preset', 'winner', 'preset', 'winner'],
    ])
    expect(unwrap(opened.reader.study(id))).toMatchObject({ status: 'finished', reason: said })
    const whole = (await search(specOf())).opened
    expect(unwrap(whole.reader.studies()).map(({ reason }) => reason)).toEqual([null])
  },
)

test('a search that ends names its winner only where it was confirmed', async () => {
  const one = await search(specOf({ confirmSeeds: 3 }))
  const { opened, id } = one
  const links = unwrap(opened.reader.links(id)).filter(({ kind }) => kind === 'winner-of')
  const [best] = trialsOf(opened, id)
    .filter(({ purpose, status }) => purpose === 'search' && status === 'complete')
    .sort((a, b) => a.lossNats! - b.lossNats!)
  expect(links).toMatchObject([{ runId: best!.runId, parent: id }])

  // A run that is trained with the winner's settings, with whatever seed, is the winner of that search too.
  const linksOfRun = (of: Pick<typeof one, 'opened' | 'id'>, settings: StudiedSettings) => {
    const { reader, writer } = of.opened
    const { projectId, spec } = unwrap(reader.study(of.id))
    const recipe = unwrap(trialRecipe(spec, settings, 77))
    const run = unwrap(writer.createRun(newRunOf({ recipe }, { projectId, name: 'Again' })))
    noteWinnerRun(run.id, reader, writer)
    return unwrap(reader.links(run.id)).map(({ kind, parent }) => [kind, parent])
  }
  expect(linksOfRun(one, best!.settings)).toEqual([['winner-of', id]])
  const others = trialsOf(opened, id).filter(({ runId }) => runId !== best!.runId)
  expect(linksOfRun(one, others[0]!.settings)).toEqual([])
  const two = await search(specOf({ confirmSeeds: 2 }))
  expect(unwrap(two.opened.reader.links(two.id))).toEqual([])

  // As an earlier version left a trial that was taken over unconfirmed: a run with its settings wins nothing by that.
  const [taken] = trialsOf(two.opened, two.id)
  unwrap(two.opened.writer.addLink({ runId: taken!.runId!, kind: 'winner-of', parent: two.id }))
  expect(linksOfRun(two, taken!.settings)).toEqual([])
})

test('outside its hours a trial stops with a checkpoint and goes on from there when they begin', async () => {
  const opened = openScripted(Date.parse('2026-05-05T06:50:00'))
  const { clock, runs, writer, studies } = opened
  const id = opened.create()
  // They rest for an hour of the day: each of its seconds is gone through.
  unwrap(writer.changeStudy(id, { schedule: { fromMinute: 8 * 60, toMinute: 7 * 60 } }))
  runs.endings.push('held')
  unwrap(studies.begin(id))
  await atWork(opened, 1)
  await clock.pass(5 * minute)
  expect(statusOf(opened, id)).toBe('running')
  expect(waitingOf(opened, id)).toBeNull()
  await clock.until(() => statusOf(opened, id) === 'waiting')
  expect(statusOf(opened, id)).toBe('waiting')
  expect(waitingOf(opened, id)).toBe('It works only between 08:00 and 07:00, and goes on at 08:00.')
  expect(trialsOf(opened, id)).toMatchObject([{ number: 0, status: 'planned' }])
  await clock.until(() =>
    opened.reasons.includes('It works only between 08:00 and 07:00, and goes on at 08:00.'),
  )
  await clock.pass(50 * minute)
  expect(runs.launched).toHaveLength(1)
  await atEnd(opened, id)
  expect(statusOf(opened, id)).toBe('finished')
  expect(runs.launched.filter((runId) => runId === runs.launched[0])).toHaveLength(2)
  expect(tableOf(trialsOf(opened, id))).toEqual(await undisturbed())
})

test('hours that are set or taken away while it works count at once', async () => {
  const opened = openScripted(Date.parse('2026-05-05T12:00:00'))
  const { clock, runs, studies } = opened
  const id = opened.create()
  runs.endings.push('held')
  unwrap(studies.begin(id))
  await atWork(opened, 1)
  unwrap(studies.setHours(id, { fromMinute: 22 * 60, toMinute: 7 * 60 }))
  await clock.until(() => statusOf(opened, id) === 'waiting')
  expect(statusOf(opened, id)).toBe('waiting')
  unwrap(studies.setHours(id, null))
  await atEnd(opened, id)
  expect(statusOf(opened, id)).toBe('finished')
})

test('paused, its trial rests and goes on; stopped, it ends with a reason and for good', async () => {
  const opened = openScripted()
  const { clock, runs, studies } = opened
  const id = opened.create()
  runs.endings.push('held')
  unwrap(studies.begin(id))
  await atWork(opened, 1)
  unwrap(await studies.pause(id))
  expect(statusOf(opened, id)).toBe('paused')
  expect(waitingOf(opened, id)).toBe('It is paused.')
  expect(unwrap(opened.reader.queue())).toEqual([])
  await clock.pass(10 * minute)
  expect(runs.launched).toHaveLength(1)
  runs.endings.push('held')
  unwrap(await studies.resume(id))
  await atWork(opened, 2)
  expect(runs.launched).toEqual([runs.launched[0], runs.launched[0]])
  unwrap(await studies.stop(id))
  expect(statusOf(opened, id)).toBe('stopped')
  expect(trialsOf(opened, id)).toMatchObject([
    { status: 'stopped', reason: 'The search was stopped before it came to its end.' },
  ])
  expect(await studies.resume(id)).toMatchObject({ ok: false, problem: { code: 'run.not-resumable' } })
})

test('one that is paused can be stopped, and ends the trial it had begun', async () => {
  const opened = openScripted()
  const id = opened.create()
  opened.runs.endings.push('held')
  unwrap(opened.studies.begin(id))
  await atWork(opened, 1)
  unwrap(await opened.studies.pause(id))
  unwrap(await opened.studies.stop(id))
  expect(statusOf(opened, id)).toBe('stopped')
  expect(trialsOf(opened, id).map(({ status }) => status)).toEqual(['stopped'])
})

test('closed and opened it goes on where it was, with the same table; what was paused stays paused', async () => {
  const first = openScripted()
  const [id, other] = [first.create(), first.create()]
  first.runs.endings.push('finished', 'finished', 'held')
  unwrap(first.studies.begin(id))
  await atWork(first, 3)
  unwrap(await first.studies.pause(other))
  await first.close()
  const second = openScripted(first.clock.nowMs() + minute, first.home)
  expect(trialsOf(second, id).map(({ status }) => status)).toEqual(['complete', 'complete', 'planned'])
  second.studies.goOn()
  await atEnd(second, id)
  expect(statusOf(second, id)).toBe('finished')
  expect(statusOf(second, other)).toBe('paused')
  expect(tableOf(trialsOf(second, id))).toEqual(await undisturbed())
})

test('a trial that crashes is tried again, six times from one place; a diverged one is not; both are told, and neither is the best', async () => {
  const opened = openScripted()
  const { runs, studies } = opened
  const id = opened.create()
  const sixTimes = Array.from({ length: 6 }, () => 'crashed' as const)
  runs.endings.push('crashed', 'finished', ...sixTimes, 'diverged', 'stopped by hand')
  unwrap(studies.begin(id))
  await atEnd(opened, id)
  const table = trialsOf(opened, id)
  expect(table.slice(0, 4)).toMatchObject([
    { status: 'complete' },
    { status: 'failed', reason: 'It ended with trainer.crashed.', lossNats: null },
    { status: 'failed', reason: 'It ended with training.diverged.', lossNats: null },
    { status: 'stopped', reason: 'It was stopped by hand.' },
  ])
  expect(runs.launched.filter((runId) => runId === table[1]!.runId)).toHaveLength(6)
  expect(runs.launched.filter((runId) => runId === table[2]!.runId)).toHaveLength(1)
  // A person's tags are a person's.
  expect(unwrap(opened.reader.getRun(table[1]!.runId!)).tags).toEqual([])
  expect(statusOf(opened, id)).toBe('finished')
  // They count: twelve were tried.
  expect(table.filter(({ purpose }) => purpose === 'search')).toHaveLength(12)
})

test('how often a trial was tried is not forgotten when the program is closed', async () => {
  const first = openScripted()
  const id = first.create()
  first.runs.endings.push('crashed', 'held')
  unwrap(first.studies.begin(id))
  await atWork(first, 2)
  await first.close()
  const second = openScripted(first.clock.nowMs(), first.home)
  second.runs.endings.push('crashed', 'crashed', 'crashed', 'crashed', 'crashed')
  second.studies.goOn()
  await second.clock.until(() => trialsOf(second, id)[0]?.status !== 'planned')
  expect(trialsOf(second, id)[0]).toMatchObject({ status: 'failed' })
})

const full: Problem = {
  code: 'journal.disk-full',
  message: 'The disk is full.',
  where: 'the journal',
  remedy: 'Make some space.',
}

test('a full disk is waited for, and said, wherever the study has to write', async () => {
  const expected = await undisturbed()
  for (const command of ['addTrial', 'endTrial', 'changeStudy']) {
    const opened = openScripted()
    const { broken, clock, studies } = opened
    const id = opened.create()
    broken.set(command, full)
    unwrap(studies.begin(id))
    await clock.until(() => waitingOf(opened, id)?.startsWith('The disk is full.') === true)
    await clock.pass(5 * minute)
    expect(waitingOf(opened, id)).toBe('The disk is full. It goes on by itself when there is space again.')
    expect(statusOf(opened, id)).not.toBe('failed')
    broken.clear()
    await atEnd(opened, id)
    expect(statusOf(opened, id)).toBe('finished')
    expect(tableOf(trialsOf(opened, id))).toEqual(expected)
  }
})

test('closed while the disk is full it loses nothing', async () => {
  const first = openScripted()
  const id = first.create()
  first.broken.set('endTrial', full)
  unwrap(first.studies.begin(id))
  await first.clock.until(() => waitingOf(first, id)?.startsWith('The disk is full.') === true)
  await first.close()
  const second = openScripted(first.clock.nowMs(), first.home)
  second.studies.goOn()
  await atEnd(second, id)
  expect(tableOf(trialsOf(second, id))).toEqual(await undisturbed())
})

test('a run that ended for want of space is gone on with when there is some', async () => {
  const opened = openScripted()
  const id = opened.create()
  opened.runs.endings.push('disk-full', 'disk-full')
  unwrap(opened.studies.begin(id))
  await atEnd(opened, id)
  expect(opened.reasons).toContain('It ended with disk.full. It goes on by itself when there is space again.')
  expect(tableOf(trialsOf(opened, id))).toEqual(await undisturbed())
})

test('at the hour at which it is to end a trial is cut, and nothing begins any more', async () => {
  const opened = openScripted(Date.parse('2026-05-05T06:00:00'))
  const { clock, runs, studies } = opened
  const untilMs = Date.parse('2026-05-05T07:00:00')
  const id = opened.create(specOf({ budget: { trials: null, workMs: null, untilMs } }))
  runs.endings.push('held')
  unwrap(studies.begin(id))
  await atWork(opened, 1)
  await clock.pass(50 * minute)
  expect(statusOf(opened, id)).toBe('running')
  await atEnd(opened, id)
  expect(statusOf(opened, id)).toBe('finished')
  expect(trialsOf(opened, id)).toMatchObject([
    { status: 'stopped', reason: 'The time of the search was over before it came to its end.' },
  ])
})

test('a budget of work leaves time for the seeds that confirm', async () => {
  const opened = openScripted()
  const id = opened.create(specOf({ budget: { trials: null, workMs: 400_000, untilMs: null } }))
  unwrap(opened.studies.begin(id))
  await atEnd(opened, id)
  const table = trialsOf(opened, id)
  expect(table.filter(({ purpose }) => purpose !== 'search')).toHaveLength(4)
  expect(unwrap(opened.reader.study(id)).workedMs).toBeLessThan(430_000)
})

test('a point that cannot fit is skipped with its reason and costs no trial', async () => {
  const opened = openScripted()
  opened.tooLarge = ({ method }) => (method.rank > 12 ? `Rank ${method.rank} takes too much.` : null)
  const id = opened.create()
  unwrap(opened.studies.begin(id))
  await atEnd(opened, id)
  const search = trialsOf(opened, id).filter(({ purpose }) => purpose === 'search')
  const skipped = search.filter(({ status }) => status === 'skipped')
  expect(skipped.length).toBeGreaterThan(0)
  expect(
    skipped.every(({ runId, reason, work }) => runId === null && work === null && /^Rank /.test(reason!)),
  ).toBe(true)
  expect(search.length - skipped.length).toBe(12)
})

test('where nothing fits it ends and says so', async () => {
  const opened = openScripted()
  opened.tooLarge = () => 'Too large.'
  const id = opened.create()
  unwrap(opened.studies.begin(id))
  await atEnd(opened, id, 'failed')
  expect(unwrap(opened.reader.study(id))).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('do not fit into this computer'),
  })
})

test('it waits for its turn, and says for whom', async () => {
  const opened = openScripted()
  opened.setBusy(true)
  const id = opened.create()
  unwrap(opened.studies.begin(id))
  await opened.clock.until(() => waitingOf(opened, id) === busySentence)
  await opened.clock.pass(minute)
  expect(waitingOf(opened, id)).toBe(busySentence)
  expect(opened.runs.launched).toEqual([])
  opened.setBusy(false)
  await atEnd(opened, id)
  expect(statusOf(opened, id)).toBe('finished')
})

test('several at once are decided beside each other, and none is computed twice', async () => {
  const opened = openScripted()
  const id = opened.create(specOf({ parallel: 3 }))
  opened.runs.endings.push('held', 'held', 'held')
  unwrap(opened.studies.begin(id))
  await atWork(opened, 3)
  expect(trialsOf(opened, id).map(({ status }) => status)).toEqual(['planned', 'planned', 'planned'])
  opened.runs.letGo()
  await atEnd(opened, id)
  expect(statusOf(opened, id)).toBe('finished')
  expect(new Set(opened.runs.launched).size).toBe(opened.runs.launched.length)
  expect(trialsOf(opened, id)).toHaveLength(16)
})

test('a study whose model is gone fails with the reason, and can be gone on with when it is back', async () => {
  const opened = openScripted()
  opened.tooLarge = () =>
    unwrap<never>({ ok: false, problem: { ...full, code: 'model.unknown', message: 'No model.' } })
  const id = opened.create()
  unwrap(opened.studies.begin(id))
  await atEnd(opened, id, 'failed')
  expect(unwrap(opened.reader.study(id))).toMatchObject({
    status: 'failed',
    reason: 'No model. Make some space.',
  })
  opened.tooLarge = () => null
  unwrap(await opened.studies.resume(id))
  await atEnd(opened, id)
  expect(tableOf(trialsOf(opened, id))).toEqual(await undisturbed())
})

test('ten trials that failed end it; gone on with, it gets as many again, over a closed program too', async () => {
  const first = openScripted()
  const { runs, studies } = first
  const id = first.create(specOf({ budget: { trials: 40, workMs: null, untilMs: null } }))
  runs.endings.push(...Array.from({ length: 14 }, () => 'diverged' as const), 'held')
  unwrap(studies.begin(id))
  await atEnd(first, id, 'failed')
  expect(trialsOf(first, id)).toHaveLength(10)
  unwrap(await studies.resume(id))
  await atWork(first, 15)
  await first.close()
  const second = openScripted(first.clock.nowMs(), first.home)
  second.runs.endings.push(...Array.from({ length: 26 }, () => 'diverged' as const))
  second.studies.goOn()
  await atEnd(second, id, 'failed')
  expect(trialsOf(second, id)).toHaveLength(20)
  expect(unwrap(second.reader.study(id)).reason).toContain('The last 10 trials came to nothing')
})

test('a trial that a person cancels while its study is paused is stopped, and the study goes on with the next', async () => {
  const opened = openScripted()
  const { runs, studies, reader, writer } = opened
  const id = opened.create()
  runs.endings.push('held')
  unwrap(studies.begin(id))
  await atWork(opened, 1)
  unwrap(await studies.pause(id))
  const run = unwrap(reader.getRun(runs.launched[0]!))
  expect(run.status).toBe('cancelled')
  expect(stopTrialOf(reader, writer, run)).toBe(true)
  expect(stopTrialOf(reader, writer, run)).toBe(false)
  unwrap(await studies.resume(id))
  await atEnd(opened, id)
  expect(trialsOf(opened, id)[0]).toMatchObject({ status: 'stopped', reason: 'It was stopped by hand.' })
  expect(runs.launched.filter((runId) => runId === run.id)).toHaveLength(1)
})

test('what another program asks for is done for any study of the journal; what it asked of one before is not', async () => {
  const requests: StudyRequest[] = []
  const opened = openScripted(undefined, undefined, requests)
  const { clock, runs, studies } = opened
  const [worked, left, paused] = [opened.create(), opened.create(), opened.create()]
  unwrap(await studies.pause(paused))
  requests.push({ studyId: worked, kind: 'stop' })
  runs.endings.push('held')
  unwrap(studies.begin(worked))
  await atWork(opened, 1)
  requests.push({ studyId: left, kind: 'stop' }, { studyId: paused, kind: 'stop' })
  await clock.until(() => statusOf(opened, left) === 'stopped' && statusOf(opened, paused) === 'stopped')
  expect(statusOf(opened, worked)).toBe('running')
  requests.push({ studyId: worked, kind: 'pause' })
  await clock.until(() => statusOf(opened, worked) === 'paused')
})

// A study of real trials from its plan to its verdict, read from the journal, taken over as the plan.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unwrap } from '#shared/result.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { addProject, studyAtEnd, tinyStudy } from './study-station.ts'

test('a study tries, gives up, confirms with other seeds, says what it found, and becomes the plan', {
  timeout: 600_000,
}, async () => {
  const station = await openWorkstation()
  const { api, home, bin } = station
  const projectId = await addProject(station)
  const wanted = tinyStudy(projectId)
  const { name: _name, ...choice } = wanted
  const plan = unwrap(await api.call('studies.plan', choice))
  expect(plan).toMatchObject({ blocking: null, sampler: 'tpe', trials: { low: 6, high: 6 }, priors: 0 })
  expect(plan.dimensions.filter(({ isIncluded }) => isIncluded).map(({ dimension }) => dimension)).toEqual(
    wanted.space,
  )
  expect(plan.sentences.length).toBeGreaterThan(5)
  const said = plan.sentences.join(' ')
  expect(said).toContain('It ends after 6 trials.')
  expect(said).toMatch(/In all it is at work for .+, with the 6 confirming runs at the end\./)
  expect(said).not.toContain('It works only')
  const schedule = { fromMinute: 22 * 60, toMinute: 7 * 60 }
  const atNight = unwrap(await api.call('studies.plan', { ...choice, schedule })).sentences.join(' ')
  expect(atNight).toContain('It works only between 22:00 and 07:00')

  const { studyId } = unwrap(await api.call('studies.start', wanted))
  expect(await api.call('studies.remove', { studyId })).toMatchObject({ problem: { code: 'run.active' } })
  const { items } = unwrap(await api.call('queue.list', {}))
  expect(items).toMatchObject([{ kind: 'study', id: studyId, name: 'Search of Teams', priority: 0 }])
  const view = await studyAtEnd(station, studyId)
  expect(view.study).toMatchObject({ status: 'finished', doneShare: 1, waiting: null })
  // Bug to guard against: its confirming runs were counted as trials.
  const { complete, pruned } = view.study.trials
  expect([complete + pruned, view.study.confirming]).toEqual([6, 6])
  expect(unwrap(await api.call('studies.list', { isLiving: true })).studies).toEqual([])
  expect(view.trials.map(({ purpose }) => purpose)).toEqual([
    ...Array.from({ length: 6 }, () => 'search'),
    ...['preset', 'winner', 'preset', 'winner', 'preset', 'winner'],
  ])
  const nameAt = async (at: number) =>
    unwrap(await api.call('training.get', { runId: view.trials[at]?.runId ?? '' })).run.name
  // Bug to guard against: a confirming run had three names, and in a search of six trials it was called "trial 7".
  expect([await nameAt(5), await nameAt(6), await nameAt(9)]).toEqual([
    'Search of Teams, trial 6',
    'Search of Teams, confirming run 1 (plan)',
    'Search of Teams, confirming run 4 (best settings)',
  ])
  for (const { runId, status, lossNats, work } of view.trials) {
    const { run } = unwrap(await api.call('training.get', { runId: runId! }))
    expect(run).toMatchObject({ status: 'finished', bestLossNats: lossNats, trial: { studyId } })
    expect(work!.steps).toBe(status === 'pruned' ? run.lastStep : run.totalSteps)
    expect(readdirSync(join(home, 'runs', runId!))).not.toContain('checkpoints')
  }
  // One process for all of them: the model is loaded once.
  expect(view.saved!.modelsReused).toBe(11)
  expect(view.best.at(-1)!.number).toBe(view.study.best!.number)
  expect(view.importance.seedNoise).toMatchObject({ runs: 6 })
  expect(['better', 'worse', 'no-difference']).toContain(view.verdict.kind)

  const number = view.study.best!.number
  unwrap(await api.call('studies.adopt', { studyId, number }))
  const { draft } = unwrap(await api.call('projects.get', { projectId }))
  const { settings } = view.trials[number]!
  const adopted = unwrap(
    await api.call('plan.estimate', { projectId, preset: draft.preset, changes: draft.changes }),
  )
  expect(adopted.values).toMatchObject({ ...settings, 'duration.epochs': 3, 'batch.maxTokens': 256 })
  // How its trials were measured is no part of the plan.
  expect(Object.keys(draft.changes).filter((path) => /^(evaluation|checkpoints|seed)/.test(path))).toEqual([])

  // What it found is known to the next one; a run by other settings that are not searched is not.
  const known = unwrap(await api.call('studies.plan', choice))
  const whole = view.trials.filter(({ status, purpose }) => status === 'complete' && purpose !== 'preset')
  const preset = view.trials.filter(({ purpose }) => purpose === 'preset')
  expect(known.priors).toBe(whole.length + preset.length)
  const other = { ...choice, changes: { ...choice.changes, 'optimizer.weightDecay': 0.5 } }
  expect(unwrap(await api.call('studies.plan', other)).priors).toBe(0)
  expect(unwrap(await api.call('studies.plan', { ...choice, usesEarlierResults: false })).priors).toBe(0)

  const named = unwrap(await api.call('studies.edit', { studyId, name: 'First', notes: 'It was quick.' }))
  expect(named).toMatchObject({ name: 'First', notes: 'It was quick.', status: 'finished' })
  unwrap(await api.call('studies.remove', { studyId }))
  expect(unwrap(await api.call('studies.list', {})).studies).toEqual([])
  expect(readdirSync(bin)).toHaveLength(12)
})

test('paused, it rests over a restart, and what it uses cannot be removed; then it goes on by itself', {
  timeout: 600_000,
}, async () => {
  const first = await openWorkstation()
  const projectId = await addProject(first)
  const wanted = { ...tinyStudy(projectId), budget: { trials: 3 }, confirmSeeds: 1 }
  const { studyId } = unwrap(await first.api.call('studies.start', wanted))
  await studyAtEnd(first, studyId, ({ trials }) => trials.some(({ status }) => status === 'complete'))
  unwrap(await first.api.call('studies.pause', { studyId }))
  const { studies } = unwrap(await first.api.call('studies.list', { isLiving: true }))
  expect(studies).toMatchObject([{ id: studyId, status: 'paused' }])
  await first.close()
  const second = await openWorkstation(first.home)
  const { api } = second
  const paused = unwrap(await api.call('studies.get', { studyId }))
  expect(paused.study).toMatchObject({ status: 'paused', waiting: 'It is paused.' })
  const { draft } = unwrap(await api.call('projects.get', { projectId }))
  expect(await api.call('models.remove', { modelId: draft.modelId! })).toMatchObject({
    problem: { code: 'run.active' },
  })
  unwrap(await api.call('studies.resume', { studyId }))
  await studyAtEnd(second, studyId, ({ study }) => study.status === 'running')
  await second.close()
  const third = await openWorkstation(first.home)
  const { study, trials, verdict } = await studyAtEnd(third, studyId)
  expect(study.status).toBe('finished')
  expect(trials.map(({ number }) => number)).toEqual([0, 1, 2])
  expect(verdict.kind).toBe('not-confirmed')
})

test('what cannot be searched is said before anything begins', { timeout: 120_000 }, async () => {
  const station = await openWorkstation()
  const { api } = station
  const projectId = await addProject(station)
  const wanted = tinyStudy(projectId)
  const onlyWhen = null
  const seeds = [{ kind: 'choice' as const, path: 'seed', values: [1, 2], onlyWhen }]
  expect(await api.call('studies.start', { ...wanted, space: seeds })).toMatchObject({
    problem: { code: 'recipe.invalid', where: 'seed' },
  })
  const ranks = [{ kind: 'whole' as const, path: 'method.rank', low: 0, high: 4, isLog: false, onlyWhen }]
  const rankOf = (...values: number[]) => [{ kind: 'choice' as const, path: 'method.rank', values, onlyWhen }]
  const budget = { trials: 50 }
  const two = unwrap(await api.call('studies.plan', { ...wanted, budget, space: rankOf(3, 4) }))
  expect(two).toMatchObject({ trials: { low: 2, high: 2 }, budget: { trials: 2 }, blocking: null })
  expect(two.sentences.join(' ')).toMatch(
    /It makes 2 trials\. The ranges have 2 points in all\..+ends after 2/,
  )
  const twice = unwrap(await api.call('studies.plan', { ...wanted, budget, space: rankOf(3, 4, 3, 4, 4) }))
  expect(twice).toEqual(two)
  for (const path of ['foo', 'foo.bar', 'method.foo']) {
    const space = [{ kind: 'choice' as const, path, values: [1, 2], onlyWhen }]
    const { blocking } = unwrap(await api.call('studies.plan', { ...wanted, budget, space }))
    const message = expect.stringMatching(`^At ${path}: there is no setting called foo`)
    expect(blocking).toMatchObject({ code: 'recipe.invalid', where: path, message })
  }
  const { preset, changes } = wanted
  const { values } = unwrap(await api.call('plan.estimate', { projectId, preset, changes }))
  const same = { ...wanted, budget, space: rankOf(Number(values['method.rank'])) }
  expect(await api.call('studies.start', same)).toMatchObject({
    problem: { code: 'project.not-ready', message: expect.stringContaining('that is the plan itself') },
  })
  const other = await api.call('studies.plan', { ...same, space: rankOf(Number(values['method.rank']) + 1) })
  expect(unwrap(other)).toMatchObject({ trials: { low: 1, high: 1 }, blocking: null })
  const { draft } = unwrap(await api.call('projects.get', { projectId }))
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, validationShare: 0 } }))
  expect(await api.call('studies.start', { ...wanted, space: ranks })).toMatchObject({ ok: false })
  expect(await api.call('studies.start', wanted)).toMatchObject({
    problem: { code: 'project.not-ready', message: expect.stringContaining('validation rows') },
  })
  expect(unwrap(await api.call('studies.list', {})).studies).toEqual([])
})

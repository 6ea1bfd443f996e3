// The whole core through its contract, with real parts: library, journal, trainer processes and a tiny model.
import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { temporaryPath } from '#core/system/durable-files.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { type Api, dispatch, makeApi, type SampleAnswers } from '#shared/contract/index.ts'
import { fail, ok, unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { type OpenWorkstation, openWorkstation, temporaryHome } from './open-workstation.ts'

async function addTinyModel({ home }: OpenWorkstation): Promise<string> {
  const library = openLibrary(home)
  return unwrap(await importModel(library, writeTinyModel(join(home, 'cache', 'tiny')))).id
}

async function upload(
  { api }: OpenWorkstation,
  projectId: string,
  name: string,
  bytes: Buffer,
): Promise<string> {
  const purpose = { kind: 'data', projectId } as const
  const { uploadId } = unwrap(await api.call('upload.begin', { purpose, name, sizeBytes: bytes.length }))
  const half = Math.floor(bytes.length / 2)
  for (const [from, to] of [
    [0, half],
    [half, bytes.length],
  ] as const)
    unwrap(
      await api.call('upload.piece', {
        uploadId,
        offset: from,
        base64: bytes.subarray(from, to).toString('base64'),
      }),
    )
  return unwrap(await api.call('upload.finish', { uploadId })).name
}

test('a project with the sample: rows are judged, columns known, the draft survives a restart', async () => {
  const first = await openWorkstation()
  const { project, files } = unwrap(
    await first.api.call('projects.create', { name: 'Mail', scenario: 'classification', withSample: true }),
  )
  expect(files).toMatchObject([{ isSample: true }])
  const check = unwrap(await first.api.call('data.check', { projectId: project.id }))
  expect(check.blocking).toBeNull()
  expect(check.columns.filter(({ role }) => role !== null).map(({ role }) => role)).toEqual(['text', 'label'])
  expect(check.usableRows).toBeGreaterThan(300)
  expect(check.split).not.toBeNull()
  const whole = check.split!.train + check.split!.validation + check.split!.test
  expect(whole).toBe(check.usableRows)
  expect(check.leftOutRows).toBe(check.score.find(({ id }) => id === 'empty')?.count)
  const leftOut = unwrap(await first.api.call('data.leftOut', { projectId: project.id }))
  expect(leftOut.total).toBe(check.leftOutRows)
  expect(leftOut.rows.every(({ reason }) => reason.length > 10)).toBe(true)
  const { draft } = unwrap(await first.api.call('projects.get', { projectId: project.id }))
  unwrap(
    await first.api.call('projects.saveDraft', {
      projectId: project.id,
      draft: { ...draft, testShare: 0.3, step: 'model' },
    }),
  )
  await first.close()
  const second = await openWorkstation(first.home)
  const again = unwrap(await second.api.call('projects.get', { projectId: project.id }))
  expect(again.draft).toMatchObject({ testShare: 0.3, step: 'model' })
  expect(unwrap(await second.api.call('projects.list', {})).projects).toHaveLength(1)
})

test('from an uploaded file to a trained run, followed, compared, annotated and removed', {
  timeout: 120_000,
}, async () => {
  const station = await openWorkstation()
  const { api, bin } = station
  const modelId = await addTinyModel(station)
  const { project, draft } = unwrap(
    await api.call('projects.create', { name: 'Teams', scenario: 'classification' }),
  )
  const projectId = project.id
  const name = await upload(station, projectId, '../../messages?.csv', Buffer.from(messagesCsv(60)))
  expect(name).toBe('messages_.csv')
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, modelId } }))
  const { options } = unwrap(await api.call('plan.options', { projectId }))
  expect(options.map(({ preset }) => preset)).toEqual(['quick', 'balanced', 'thorough'])
  expect(options.every(({ fit, sentences }) => fit.kind === 'fits' && sentences.length >= 3)).toBe(true)
  // What a quick look costs is said.
  expect(options[0]!.sentences.some((sentence) => sentence.includes('uppermost'))).toBe(true)
  expect(options[0]!.estimate.steps).toBeLessThan(options[2]!.estimate.steps)
  const plan = { projectId, preset: 'quick' as const }
  const tooShort = await api.call('plan.estimate', { ...plan, changes: { 'batch.maxTokens': 32 } })
  expect(unwrap(tooShort).blocking?.message).toMatch(/^Every row is too long for this plan: .* and 32 are/)

  const updates: string[] = []
  const toldSamples: SampleAnswers[] = []
  let steps = 0
  const done = new Promise<void>((resolve) => {
    api.on('training.update', ({ state, train, samples }) => {
      steps += train.length
      toldSamples.push(...samples)
      updates.push(state.status)
      if (state.status === 'finished') resolve()
    })
  })
  const changes = { 'batch.maxTokens': 256, 'checkpoints.everySeconds': null }
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'quick', changes }))
  expect(unwrap(await api.call('system.activity', {})).runs).toMatchObject([{ runId, projectId }])
  await done
  const view = unwrap(await api.call('training.get', { runId }))
  expect(view.run.status).toBe('finished')
  expect(view.hasAdapter).toBe(true)
  expect(view.train).toHaveLength(view.run.totalSteps!)
  expect(steps).toBe(view.run.totalSteps)
  expect(view.samples[0]).toMatchObject({ step: 0, answers: [{ expected: expect.any(String) }, {}, {}] })
  expect(view.samples.at(-1)!.step).toBe(view.run.totalSteps)
  expect(toldSamples).toEqual(view.samples)
  expect(view.run.recipe).toMatchObject({ method: { rank: 4 }, batch: { maxTokens: 256 } })
  expect(view.state.device.diskBytes).toBeGreaterThan(0)
  expect(unwrap(await api.call('system.activity', {})).runs).toEqual([])

  const second = unwrap(await api.call('training.start', { projectId, preset: 'balanced', changes })).runId
  expect(unwrap(await api.call('experiments.remove', { runIds: [second] }))).toMatchObject({
    removed: 0,
    failed: [{ runId: second, problem: { code: 'run.active' } }],
  })
  expect(await api.call('models.remove', { modelId })).toMatchObject({ problem: { code: 'run.active' } })
  unwrap(await api.call('training.stop', { runId: second }))
  await expect
    .poll(async () => unwrap(await api.call('training.get', { runId: second })).run.status, {
      timeout: 30_000,
    })
    .toMatch(/cancelled|finished/)
  const compared = unwrap(await api.call('experiments.compare', { runIds: [runId, second] }))
  expect(compared.settings.find(({ path }) => path === 'method.rank')).toEqual({
    path: 'method.rank',
    values: [4, 8],
    of: [0, 1],
  })
  const { curves } = unwrap(await api.call('experiments.curves', { runIds: [runId, second] }))
  expect(curves[0]!.train).toHaveLength(view.train.length)
  const edited = unwrap(
    await api.call('experiments.edit', { runId, notes: 'keeper', tags: ['good', 'good'] }),
  )
  expect(edited).toMatchObject({ notes: 'keeper', tags: ['good'] })
  expect(unwrap(await api.call('experiments.facets', {}))).toMatchObject({ runs: 2, tags: ['good'] })
  unwrap(await api.call('experiments.remove', { runIds: [second] }))
  expect(readdirSync(bin)).toEqual([second])
  expect(unwrap(await api.call('experiments.list', {})).rows.map(({ id }) => id)).toEqual([runId])
  expect(updates).toContain('running')
})

test('a closing program stops its runs with a checkpoint; they can be continued', {
  timeout: 120_000,
}, async () => {
  const station = await openWorkstation()
  const modelId = await addTinyModel(station)
  const { project, draft } = unwrap(
    await station.api.call('projects.create', { name: 'Long', scenario: 'classification' }),
  )
  await upload(station, project.id, 'messages.csv', Buffer.from(messagesCsv(60)))
  unwrap(
    await station.api.call('projects.saveDraft', { projectId: project.id, draft: { ...draft, modelId } }),
  )
  const firstStep = new Promise<void>((resolve) => {
    station.api.on('training.update', ({ train }) => (train.length > 0 ? resolve() : undefined))
  })
  const changes = { 'duration.epochs': 900, 'evaluation.patience': null }
  const { runId } = unwrap(
    await station.api.call('training.start', { projectId: project.id, preset: 'quick', changes }),
  )
  await firstStep
  await station.close()
  const again = await openWorkstation(station.home)
  const view = unwrap(await again.api.call('training.get', { runId }))
  expect(view.run.status).toBe('cancelled')
  expect(view.canContinue).toBe(true)
  const before = view.run.lastStep!
  const goesOn = new Promise<number>((resolve) => {
    again.api.on('training.update', ({ train }) => (train[0] ? resolve(train[0].step) : undefined))
  })
  unwrap(await again.api.call('training.continue', { runId }))
  expect(await goesOn).toBe(before + 1)
})

test('wrong wishes are told, each with its place, and change nothing', async () => {
  const station = await openWorkstation()
  const { api } = station
  const { project, draft } = unwrap(
    await api.call('projects.create', { name: 'Empty', scenario: 'classification' }),
  )
  const projectId = project.id
  const codeOf = async (reply: ReturnType<Api['call']>) => {
    const got = await reply
    return got.ok ? 'ok' : got.problem.code
  }
  expect(await codeOf(api.call('projects.get', { projectId: 'no such' }))).toBe('project.unknown')
  expect(await codeOf(api.call('plan.options', { projectId }))).toBe('project.not-ready')
  expect(unwrap(await api.call('data.check', { projectId })).blocking?.code).toBe('project.not-ready')
  expect(await codeOf(api.call('models.addStarter', {}))).toBe('network.off')
  expect(await codeOf(api.call('training.get', { runId: 'none' }))).toBe('run.unknown')
  expect(await codeOf(api.call('training.pause', { runId: 'none' }))).toBe('run.not-resumable')
  await upload(station, projectId, 'broken.csv', Buffer.from('message,team\n"never closed,a\nb,c\n'))
  const check = unwrap(await api.call('data.check', { projectId }))
  expect(check.blocking).not.toBeNull()
  expect(check.blocking?.remedy.length).toBeGreaterThan(10)
  const start = (changes: Record<string, string>) =>
    codeOf(api.call('training.start', { projectId, preset: 'quick', changes }))
  const choose = async (modelId: string) =>
    unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, modelId } }))
  await choose('m-0000000000000000')
  expect(await start({})).toBe('model.unknown')
  await choose(await addTinyModel(station))
  expect(await start({ 'data.path': '/etc/passwd' })).toBe('recipe.invalid')
  const begun = unwrap(
    await api.call('upload.begin', { purpose: { kind: 'data', projectId }, name: 'x.csv', sizeBytes: 4 }),
  )
  expect(await codeOf(api.call('upload.piece', { ...begun, offset: 2, base64: 'YWI=' }))).toBe(
    'upload.failed',
  )
  expect(await codeOf(api.call('upload.finish', begun))).toBe('upload.failed')
})

test('a removed project takes its files and runs to the bin; one at work or without a bin stays', {
  timeout: 120_000,
}, async () => {
  const station = await openWorkstation()
  const { api, bin } = station
  const modelId = await addTinyModel(station)
  const { project, draft } = unwrap(
    await api.call('projects.create', { name: 'Teams', scenario: 'classification' }),
  )
  const projectId = project.id
  await upload(station, projectId, 'messages.csv', Buffer.from(messagesCsv(60)))
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, modelId } }))
  const changes = { 'duration.epochs': 900, 'evaluation.patience': null }
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'quick', changes }))
  expect(await api.call('projects.remove', { projectId })).toMatchObject({
    ok: false,
    problem: { code: 'run.active' },
  })
  expect(readdirSync(bin)).toEqual([])
  unwrap(await api.call('training.stop', { runId }))
  await expect
    .poll(async () => unwrap(await api.call('system.activity', {})).runs, { timeout: 30_000 })
    .toEqual([])
  unwrap(await api.call('projects.remove', { projectId }))
  expect(readdirSync(bin).sort()).toEqual([projectId, runId].sort())
  expect(unwrap(await api.call('projects.list', {})).projects).toEqual([])
})

test('where nothing can be moved to the bin a project stays in its list', async () => {
  const home = await temporaryHome()
  const problem = { code: 'bin.failed', message: 'No bin.', where: '-', remedy: '-' } as const
  const { handlers, close } = unwrap(
    createWorkstation({
      home,
      launcher: createNodeLauncher(),
      host: { kind: 'direct', pickedPath: () => null, moveToBin: async () => fail(problem) },
    }),
  )
  const api = makeApi({
    call: (name, input) => dispatch(handlers, name, input),
    onEvent: () => () => {},
  })
  const { project } = unwrap(await api.call('projects.create', { name: 'Kept', scenario: 'classification' }))
  expect(await api.call('projects.remove', { projectId: project.id })).toEqual(fail(problem))
  expect(unwrap(await api.call('projects.list', {})).projects).toHaveLength(1)
  await close()
})

test('a home that cannot be used is a Problem, and the journal is free for the next attempt', async () => {
  const home = await temporaryHome()
  const open = (folder: string) =>
    createWorkstation({
      home: folder,
      launcher: createNodeLauncher(),
      host: { kind: 'direct', pickedPath: () => null, moveToBin: async () => ok(undefined) },
    })
  writeFileSync(join(home, 'file'), '')
  expect(open(join(home, 'file', 'library'))).toMatchObject({ ok: false, problem: { code: 'disk.failed' } })
  const opened = openLibrary(join(home, 'library'))
  rmSync(opened.projectsFolder, { recursive: true })
  symlinkSync(join(home, 'file'), opened.projectsFolder)
  expect(open(opened.home)).toMatchObject({ ok: false, problem: { code: 'disk.failed' } })
  rmSync(opened.projectsFolder)
  const { close } = unwrap(open(opened.home))
  await close()
})

test('what a killed import of a model left is gone after the next start', async () => {
  const home = await temporaryHome()
  const { modelsFolder } = openLibrary(home)
  const left = temporaryPath(join(modelsFolder, 'm-1'))
  mkdirSync(left)
  utimesSync(left, new Date(0), new Date(0))
  const { close } = await openWorkstation(home)
  await close()
  expect(readdirSync(modelsFolder)).toEqual([])
})

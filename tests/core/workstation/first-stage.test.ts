// A run of two stages through the contract, with real parts: texts brought beside the rows, a plan that tells of both, a
// run that is stopped among the texts and goes on, and a data set that stays while it is needed.
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unwrap } from '#shared/result.ts'
import { newProject, upload } from './new-project.ts'
import { openWorkstation } from './open-workstation.ts'

const texts = Array.from(
  { length: 40 },
  (_, i) => `Page ${i}. A courier brings the parcel; the bill lies inside, and the account is charged.`,
)

const plain = { 'batch.maxTokens': 256, 'checkpoints.everySeconds': null, 'evaluation.patience': null }

test('the file of a first stage is one, is read as texts, and goes to the bin', async () => {
  const station = await openWorkstation()
  const { api, bin } = station
  const { projectId } = await newProject(station)
  const check = async () => unwrap(await api.call('data.checkBefore', { projectId })).check
  expect(await check()).toBeNull()
  await upload(station, { kind: 'before', projectId }, 'old.csv', 'title,body,more\na,one,x\nb,two,y\n')
  expect(await check()).toMatchObject({ columns: ['title', 'body', 'more'], column: 'body', problem: null })
  const { draft } = unwrap(await api.call('projects.get', { projectId }))
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, beforeColumn: 'more' } }))
  expect(await check()).toMatchObject({ texts: 2, column: 'more' })
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, beforeColumn: 'gone' } }))
  expect(await check()).toMatchObject({ texts: 0, problem: { code: 'data.columns' } })
  expect(await api.call('plan.options', { projectId })).toMatchObject({ problem: { code: 'data.columns' } })
  unwrap(await api.call('projects.saveDraft', { projectId, draft }))
  await upload(station, { kind: 'before', projectId }, 'handbook.txt', texts.join('\n\n'))
  expect(readdirSync(bin)).toEqual(['old.csv'])
  expect(unwrap(await api.call('projects.get', { projectId }))).toMatchObject({
    before: { name: 'handbook.txt' },
    files: [{ name: 'messages.csv' }],
  })
  expect(await check()).toMatchObject({ columns: ['text'], isCut: true, isOwnRows: false, problem: null })
  await upload(
    station,
    { kind: 'before', projectId },
    'long.txt',
    'A line without an end goes on. '.repeat(40),
  )
  const { options } = unwrap(await api.call('plan.options', { projectId }))
  expect(options[1]?.blocking).toMatchObject({
    code: 'project.not-ready',
    where: 'the step "Plan"',
    message: expect.stringMatching(/^Every text of your field is too long for this plan/),
    remedy: expect.stringContaining('train without a first stage'),
  })
  expect(unwrap(await api.call('projects.removeBefore', { projectId })).before).toBeNull()
  expect(readdirSync(bin).sort()).toEqual(['handbook.txt', 'long.txt', 'old.csv'])
  expect(await check()).toBeNull()
})

// A choice that the new file has no column for made it a file without texts.
test('a chosen column goes with its file, unless the next one has it too', async () => {
  const station = await openWorkstation()
  const { api } = station
  const { projectId } = await newProject(station)
  const columnOf = async () => unwrap(await api.call('projects.get', { projectId })).draft.beforeColumn
  await upload(station, { kind: 'before', projectId }, 'old.csv', 'title,body,more\na,one,x\nb,two,y\n')
  const { draft } = unwrap(await api.call('projects.get', { projectId }))
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, beforeColumn: 'more' } }))
  await upload(
    station,
    { kind: 'before', projectId },
    'old.csv',
    'title,body,more\na,one,x\nb,two,y\nc,three,z\n',
  )
  expect(await columnOf()).toBe('more')
  await upload(station, { kind: 'before', projectId }, 'other.csv', 'id,text\n1,one two\n2,three four\n')
  expect(await columnOf()).toBeNull()
  const { check } = unwrap(await api.call('data.checkBefore', { projectId }))
  expect(check).toMatchObject({ texts: 2, column: 'text', problem: null })
})

// The first by its name was taken: after a crash perhaps the one that had been replaced.
test('of two files of a first stage the newest counts', async () => {
  const station = await openWorkstation()
  const { api, home } = station
  const { projectId } = await newProject(station)
  await upload(station, { kind: 'before', projectId }, 'a-old.txt', texts.join('\n\n'))
  const folder = join(home, 'projects', projectId, 'before')
  writeFileSync(join(folder, 'z-new.txt'), texts.join('\n\n'))
  utimesSync(join(folder, 'a-old.txt'), new Date(), new Date(Date.now() - 60_000))
  expect(unwrap(await api.call('projects.get', { projectId })).before).toMatchObject({ name: 'z-new.txt' })
})

test('of what is left out every reason is counted, and the file of the rows is known as such', async () => {
  const station = await openWorkstation()
  const { api } = station
  const { projectId } = await newProject(station)
  const check = async () => unwrap(await api.call('data.checkBefore', { projectId })).check
  const rows = Array.from(
    { length: 60 },
    (_, i) =>
      `"Please tell me where my parcel number ${i} may be, and who has it",${['money', 'way'][i % 2]}`,
  )
  const own = `text,label\n"",money\n${rows.join('\n')}\n"",way\n`
  const { files } = unwrap(await api.call('projects.get', { projectId }))
  unwrap(await api.call('projects.removeFile', { projectId, name: files[0]!.name }))
  await upload(station, { kind: 'data', projectId }, 'rows.csv', own)
  const { split } = unwrap(await api.call('data.check', { projectId }))
  await upload(station, { kind: 'before', projectId }, 'copy.csv', own)
  expect(split?.test).toBeGreaterThan(2)
  expect(await check()).toMatchObject({
    texts: 60 - split!.test,
    isCut: false,
    leftOut: 2 + split!.test,
    reasons: [
      { reason: expect.stringContaining('among the locked rows'), count: split!.test },
      { reason: 'The text is empty.', count: 2 },
    ],
    isOwnRows: true,
  })
  await upload(station, { kind: 'before', projectId }, 'copy.csv', `${own}Another text of the field,way\n`)
  expect(await check()).toMatchObject({ isOwnRows: false })
  await upload(station, { kind: 'data', projectId }, 'more.csv', 'text,label\nMy bill is wrong again,money\n')
  await upload(station, { kind: 'before', projectId }, 'copy.csv', own)
  expect(await check()).toMatchObject({ isOwnRows: true })
})

// Bug: "First it reads 40 texts" stood above "83 % of the texts of your field are left out".
test('a plan tells of the texts that are read, not of those that were brought', async () => {
  const station = await openWorkstation()
  const { api } = station
  const { projectId } = await newProject(station)
  const long = (text: string, index: number) => (index % 4 === 0 ? text : text.repeat(20))
  const lines = texts.map(long).map((text) => JSON.stringify({ text }))
  await upload(station, { kind: 'before', projectId }, 'handbook.jsonl', lines.join('\n'))
  const plan = unwrap(await api.call('plan.estimate', { projectId, preset: 'balanced', changes: plain }))
  const said = plan.sentences.join(' ')
  const numberIn = (pattern: RegExp): number => Number(pattern.exec(said)?.[1])
  const leftOut = numberIn(/About (\d+) % of the texts of your field are longer than 256 tokens/)
  expect(leftOut).toBeGreaterThan(50)
  // 10 short texts, and 60 passages of the long ones.
  expect(numberIn(/^First it reads (\d+) texts of your field once, /)).toBe(
    Math.round(70 * (1 - leftOut / 100)),
  )
})

test('two stages: planned, stopped among the texts, gone on with, finished', {
  timeout: 120_000,
}, async () => {
  const station = await openWorkstation()
  const { api, home } = station
  const { projectId } = await newProject(station)
  const estimate = async (changes: Record<string, number | string | null>) =>
    unwrap(
      await api.call('plan.estimate', { projectId, preset: 'balanced', changes: { ...plain, ...changes } }),
    )
  const alone = await estimate({})
  await upload(
    station,
    { kind: 'before', projectId },
    'handbook.jsonl',
    texts.map((text) => JSON.stringify({ text })).join('\n'),
  )
  const once = await estimate({})
  expect(once.sentences[0]).toMatch(
    /^First it reads 40 texts of your field once, .*; then it goes over your 39 rows/,
  )
  expect(once.values).toMatchObject({ 'before.path': 'handbook.jsonl', 'before.epochs': 1 })
  expect(once.estimate.steps).toBe(alone.estimate.steps + 5)
  expect(once.estimate.highSeconds).toBeGreaterThan(alone.estimate.highSeconds)
  expect(once.estimate.memoryBytes).toBeGreaterThanOrEqual(alone.estimate.memoryBytes)
  const often = await estimate({ 'before.epochs': 30 })
  expect(often.estimate.steps).toBe(alone.estimate.steps + 150)
  expect((await estimate({ 'method.kind': 'head' })).blocking).toMatchObject({ where: 'before' })

  const inFirstStage = new Promise<void>((resolve) => {
    api.on('training.update', ({ train }) => (train.length > 0 ? resolve() : undefined))
  })
  const changes = { ...plain, 'before.epochs': 30, 'before.learningRate': 1e-3, 'duration.maxSteps': 4 }
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'balanced', changes }))
  const statusOf = async () => unwrap(await api.call('training.get', { runId })).run.status
  const { recipe, beforeFingerprint } = unwrap(await api.call('training.get', { runId })).run
  expect(recipe.before).toEqual({ fingerprint: beforeFingerprint, epochs: 30, learningRate: 1e-3 })
  await inFirstStage
  const ofTexts = async () =>
    unwrap(await api.call('storage.list', {})).items.find(({ id }) => id === `dataset/${beforeFingerprint}`)
  expect(await ofTexts()).toMatchObject({ name: 'handbook.jsonl', isRemovable: false })
  expect(await api.call('storage.remove', { ids: [`dataset/${beforeFingerprint}`] })).toMatchObject({
    ok: false,
  })
  unwrap(await api.call('training.stop', { runId }))
  await expect.poll(statusOf, { timeout: 30_000 }).toBe('cancelled')
  const stopped = unwrap(await api.call('training.get', { runId })).run
  expect(stopped.lastStep).toBeGreaterThan(0)
  expect(stopped.lastStep).toBeLessThan(150)
  expect(await ofTexts()).toMatchObject({
    isRemovable: true,
    note: 'One run uses it; they can then no longer be continued.',
  })
  unwrap(await api.call('training.continue', { runId }))
  await expect.poll(statusOf, { timeout: 240_000 }).toBe('finished')
  const { run, hasAdapter } = unwrap(await api.call('training.get', { runId }))
  expect(run).toMatchObject({ lastStep: 154, totalSteps: 154, attempts: 2 })
  expect(hasAdapter).toBe(true)

  await station.close()
  const again = await openWorkstation(home)
  const { settings } = unwrap(await again.api.call('experiments.compare', { runIds: [runId] }))
  expect(settings).toContainEqual({ path: 'before.path', values: ['handbook.jsonl'], of: [0] })
  unwrap(await again.api.call('experiments.remove', { runIds: [runId] }))
  expect(existsSync(join(home, 'datasets', beforeFingerprint!))).toBe(true)
  const { items } = unwrap(await again.api.call('storage.list', {}))
  expect(items.find(({ id }) => id === `dataset/${beforeFingerprint}`)?.note).toBe('No run uses it.')
})

// Models through the contract: brought, judged, verified, removed, and fetched only where a person allowed it.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { unwrap } from '#shared/result.ts'
import { writeTinyEncoder } from '../../processes/tiny-encoder.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { type OpenWorkstation, openWorkstation } from '../workstation/open-workstation.ts'

async function addTiny(station: OpenWorkstation): Promise<string> {
  station.picked.set('h1', writeTinyModel(join(station.home, 'cache', 'tiny')))
  const { jobId } = unwrap(await station.api.call('models.addPicked', { handle: 'h1' }))
  const job = await station.ended(jobId)
  expect(job).toMatchObject({ kind: 'model', status: 'done', problem: null })
  return job.modelId!
}

describe('a model of the person', () => {
  test('is added by its handle, listed with what it needs, verified, and goes to the bin', async () => {
    const station = await openWorkstation()
    const { api, bin, home, ended } = station
    let changes = 0
    api.on('models.changed', () => {
      changes += 1
    })
    const modelId = await addTiny(station)
    const { models, damaged } = unwrap(await api.call('models.list', {}))
    expect(damaged).toEqual([])
    expect(models).toMatchObject([
      { id: modelId, family: 'llama', layers: 2, maxTokens: 512, isStarter: false, fit: { kind: 'fits' } },
    ])
    expect(models[0]).toMatchObject({
      origin: { kind: 'folder', name: 'tiny' },
      place: join(home, 'models', modelId),
      runs: 0,
    })
    expect(models[0]!.fit.neededBytes).toBeGreaterThan(200e6)
    const verified = unwrap(await api.call('models.verify', { modelId }))
    expect(await ended(verified.jobId)).toMatchObject({ status: 'done' })
    unwrap(await api.call('models.remove', { modelId }))
    expect(existsSync(join(home, 'models', modelId))).toBe(false)
    expect(existsSync(join(bin, modelId, 'manifest.json'))).toBe(true)
    expect(changes).toBe(2)
  })

  test('that only reads is listed by what a new last layer needs (the whole list was a fault before)', async () => {
    const station = await openWorkstation()
    station.picked.set('h1', writeTinyEncoder(join(station.home, 'cache', 'encoder')))
    const { jobId } = unwrap(await station.api.call('models.addPicked', { handle: 'h1' }))
    await station.ended(jobId)
    const { models, damaged } = unwrap(await station.api.call('models.list', {}))
    expect(damaged).toEqual([])
    expect(models).toMatchObject([{ family: 'bert', fit: { kind: 'fits' } }])
  })

  test('whose configuration cannot be read is among the damaged ones, and the list is still there', async () => {
    const station = await openWorkstation()
    const modelId = await addTiny(station)
    const path = join(station.home, 'models', modelId, 'config.json')
    chmodSync(path, 0o600)
    writeFileSync(path, readFileSync(path, 'utf8').replace('{', '!'))
    expect(unwrap(await station.api.call('models.list', {}))).toMatchObject({
      models: [],
      damaged: [{ code: 'model.damaged', where: `models/${modelId}/config.json` }],
    })
  })

  test('that was changed on the disk is found by verifying', async () => {
    const station = await openWorkstation()
    const modelId = await addTiny(station)
    const path = join(station.home, 'models', modelId, 'tokenizer.json')
    chmodSync(path, 0o600)
    writeFileSync(path, readFileSync(path, 'utf8').replace('a', 'b'))
    const { jobId } = unwrap(await station.api.call('models.verify', { modelId }))
    expect(await station.ended(jobId)).toMatchObject({
      status: 'failed',
      problem: { code: 'model.damaged' },
    })
  })

  test('by a handle that nobody picked is refused', async () => {
    const { api } = await openWorkstation()
    expect(await api.call('models.addPicked', { handle: '/etc/passwd' })).toMatchObject({
      ok: false,
      problem: { code: 'file.missing' },
    })
  })

  test('that was sent and is none leaves one Problem and no file', async () => {
    const { api, home, ended } = await openWorkstation()
    const bytes = Buffer.from('GGUF and then nothing that is one')
    const purpose = { kind: 'model' } as const
    const begun = await api.call('upload.begin', { purpose, name: 'm.gguf', sizeBytes: bytes.length })
    const { uploadId } = unwrap(begun)
    unwrap(await api.call('upload.piece', { uploadId, offset: 0, base64: bytes.toString('base64') }))
    unwrap(await api.call('upload.finish', { uploadId }))
    const { jobId } = unwrap(await api.call('models.addUploaded', { uploadId }))
    expect(await ended(jobId)).toMatchObject({ status: 'failed', problem: { code: 'gguf.unsupported' } })
    expect(readdirSync(join(home, 'cache')).filter((name) => name.startsWith('upload'))).toEqual([])
    expect(await api.call('models.addUploaded', { uploadId })).toMatchObject({ ok: false })
  })
})

test('three models are recommended, each with its fit and why, in words that suit the goal', async () => {
  const { api } = await openWorkstation()
  const reasons = new Set<string>()
  for (const scenario of ['classification', 'summarisation'] as const) {
    const { project } = unwrap(await api.call('projects.create', { name: scenario, scenario }))
    const { models } = unwrap(await api.call('models.recommended', { projectId: project.id }))
    expect(models.map(({ how }) => how)).toEqual(['fetch', 'bring', 'bring'])
    expect(models.map(({ installedId }) => installedId)).toEqual([null, null, null])
    expect(models[0]!.fit.neededBytes).toBeLessThan(models[1]!.fit.neededBytes)
    expect(models[1]!.fit.neededBytes).toBeLessThan(models[2]!.fit.neededBytes)
    reasons.add(models[0]!.why)
  }
  expect(reasons.size).toBe(2)
  const { models } = unwrap(await api.call('models.recommended', { projectId: null }))
  expect(reasons.has(models[0]!.why)).toBe(true)
})

describe('the starter', () => {
  const { HF_ENDPOINT, PATH } = process.env
  afterEach(() => {
    if (HF_ENDPOINT === undefined) delete process.env.HF_ENDPOINT
    else process.env.HF_ENDPOINT = HF_ENDPOINT
    process.env.PATH = PATH
  })

  test('is not fetched while downloads are off, and nothing is connected to', async () => {
    const { api } = await openWorkstation()
    expect(await api.call('models.addStarter', {})).toMatchObject({
      ok: false,
      problem: { code: 'network.off' },
    })
    expect(unwrap(await api.call('system.network', {}))).toMatchObject({ connections: 0, last: null })
  })

  test('is asked for through the gate, which counts', async () => {
    const { api, ended } = await openWorkstation()
    // A closed port of this computer stands for the hub; without a PATH there is no Python either.
    process.env.HF_ENDPOINT = 'http://127.0.0.1:9'
    process.env.PATH = ''
    unwrap(await api.call('settings.set', { allowsDownloads: true }))
    const { jobId } = unwrap(await api.call('models.addStarter', {}))
    const job = await ended(jobId)
    expect(job).toMatchObject({ status: 'failed', problem: { code: 'download.unreachable' } })
    const used = unwrap(await api.call('system.network', {}))
    expect(used.connections).toBeGreaterThanOrEqual(2)
    expect(used.last).toMatchObject({ purpose: 'the starter model' })
  })
})

// The advice through the contract, all parts real: measured as a job, kept, and given back after a restart.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'

test('is measured on rows that steer, kept, and read again', { timeout: 120_000 }, async () => {
  const station = await openWorkstation()
  const { api, home, ended } = station
  const model = unwrap(await importModel(openLibrary(home), writeTinyModel(join(home, 'cache', 'tiny'))))
  const created = { name: 'Mail', scenario: 'classification' } as const
  const { project, draft } = unwrap(await api.call('projects.create', created))
  const projectId = project.id
  const files = join(home, 'projects', projectId, 'files')
  mkdirSync(files)
  writeFileSync(join(files, 'messages.csv'), messagesCsv(480))
  expect(await api.call('advice.start', { projectId })).toMatchObject({
    ok: false,
    problem: { code: 'project.not-ready' },
  })
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, modelId: model.id } }))
  expect(unwrap(await api.call('advice.get', { projectId }))).toEqual({ advice: null })
  const { jobId } = unwrap(await api.call('advice.start', { projectId }))
  expect(await ended(jobId)).toMatchObject({ kind: 'advice', status: 'done', projectId, problem: null })
  const { advice } = unwrap(await api.call('advice.get', { projectId }))
  expect(advice).toMatchObject({
    modelId: model.id,
    metric: 'accuracy',
    subjects: [
      { subject: 'plain', shots: 0 },
      { subject: 'few-shot', shots: 4 },
    ],
  })
  expect(advice!.rows).toBeLessThanOrEqual(60)
  expect(advice!.rowsThere).toBeGreaterThan(60)
  expect(advice!.answerMs).toBeGreaterThan(0)
  await station.close()
  const again = await openWorkstation(home)
  expect(unwrap(await again.api.call('advice.get', { projectId })).advice).toEqual(advice)
  expect(readFileSync(join(home, 'projects', projectId, 'advice.json'), 'utf8')).toContain('"sentence"')
})

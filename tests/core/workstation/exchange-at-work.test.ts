// The journal is not exchanged under work: neither under a run nor under a trial of a search. At rest it is, and what came
// after the backup is gone from every answer.
import { expect, test } from 'vitest'
import type { Api } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { addProject, studyAtEnd, tinyStudy } from '../tuning/study-station.ts'
import { openWorkstation } from './open-workstation.ts'

const settled = async (isThere: () => Promise<boolean>): Promise<void> => {
  while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 50))
}
const isAtWork = async (api: Api): Promise<boolean> =>
  unwrap(await api.call('system.activity', {})).runs.length > 0

test('a run and a trial keep the journal where it is, by name; paused and stopped they do not', {
  timeout: 300_000,
}, async () => {
  const station = await openWorkstation()
  const { api } = station
  const projectId = await addProject(station)
  const { name } = unwrap(await api.call('journal.backup', {}))
  const { changes } = tinyStudy(projectId)
  const long = { ...changes, 'duration.epochs': 900, 'evaluation.patience': null }
  const { runId } = unwrap(
    await api.call('training.start', { projectId, preset: 'quick', changes: long, name: 'By hand' }),
  )
  const refused = await api.call('journal.restore', { name })
  expect(refused).toMatchObject({ problem: { code: 'run.active', where: 'By hand' } })
  expect(unwrap(await api.call('journal.get', {})).damage).toBeNull()
  unwrap(await api.call('training.stop', { runId }))
  await settled(async () => !(await isAtWork(api)))

  const { studyId } = unwrap(
    await api.call('studies.start', {
      ...tinyStudy(projectId),
      changes: long,
      name: 'Overnight',
      isPruned: false,
    }),
  )
  await settled(() => isAtWork(api))
  const underTrial = await api.call('journal.restore', { name })
  expect(underTrial).toMatchObject({
    problem: { code: 'run.active', where: expect.stringContaining('Overnight') },
  })
  unwrap(await api.call('studies.pause', { studyId }))
  await studyAtEnd(station, studyId, ({ study }) => study.status === 'paused')
  await settled(async () => !(await isAtWork(api)))

  unwrap(await api.call('journal.restore', { name }))
  expect(unwrap(await api.call('studies.list', {})).studies).toEqual([])
  expect(unwrap(await api.call('queue.list', {})).items).toEqual([])
  expect(await api.call('training.get', { runId })).toMatchObject({ problem: { code: 'run.unknown' } })
  expect(unwrap(await api.call('projects.list', {})).projects).toMatchObject([{ runs: 0 }])
})

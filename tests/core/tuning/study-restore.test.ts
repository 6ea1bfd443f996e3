// A search after a person went back to a backup, with real trainers: what the backup lacks is tried again, nothing counts
// twice, no trial goes on from what the journal does not know, and the table is that of a search nobody disturbed.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { unwrap } from '#shared/result.ts'
import { type OpenWorkstation, openWorkstation } from '../workstation/open-workstation.ts'
import { addProject, studyAtEnd, tableOf, tinyStudy } from './study-station.ts'

async function begin(): Promise<{ station: OpenWorkstation; studyId: string }> {
  const station = await openWorkstation()
  const projectId = await addProject(station)
  const wanted = { ...tinyStudy(projectId), budget: { trials: 3 }, confirmSeeds: 1 }
  return { station, studyId: unwrap(await station.api.call('studies.start', wanted)).studyId }
}

test('gone back to a backup, a search comes to the table of one that nobody disturbed', {
  timeout: 600_000,
}, async () => {
  const undisturbed = await begin()
  const expected = await studyAtEnd(undisturbed.station, undisturbed.studyId)
  await undisturbed.station.close()

  const { station, studyId } = await begin()
  const { api, home } = station
  // The second trial is at work, or is about to be, when the backup is made; the third one when the search is paused.
  await studyAtEnd(station, studyId, ({ trials }) => trials.length === 2)
  const { name } = unwrap(await api.call('journal.backup', {}))
  const third = `${studyId}-2`
  await studyAtEnd(station, studyId, ({ trials }) => trials.length === 3)
  while (!existsSync(join(home, 'runs', third, 'checkpoints'))) await wait(20)
  unwrap(await api.call('studies.pause', { studyId }))
  unwrap(await api.call('journal.restore', { name }))
  const back = unwrap(await api.call('studies.get', { studyId }))
  expect(back.study.status).toBe('paused')
  expect(back.trials.map(({ number }) => number)).toEqual([0, 1])
  expect(existsSync(join(home, 'runs', third))).toBe(true)

  unwrap(await api.call('studies.resume', { studyId }))
  const { trials, study } = await studyAtEnd(station, studyId)
  expect(study.status).toBe('finished')
  expect(tableOf(trials)).toEqual(tableOf(expected.trials))
  for (const { runId, work } of trials) {
    const { train, run } = unwrap(await api.call('training.get', { runId: runId! }))
    expect(train.map(({ step }) => step)).toEqual(Array.from({ length: work!.steps }, (_, n) => n + 1))
    expect(run.status).toBe('finished')
  }
})

// A study of real trials from its plan to its verdict, read from the journal, taken over as the plan.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unwrap } from '#shared/result.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { addProject, studyAtEnd, tinyStudy } from './study-station.ts'

test('a study tries, gives up, confirms with other seeds, and says what it found', {
  timeout: 180_000,
}, async () => {
  const station = await openWorkstation()
  const { api, home } = station
  const projectId = await addProject(station)
  const wanted = tinyStudy(projectId)
  const { name: _name, schedule: _schedule, ...choice } = wanted
  const plan = unwrap(await api.call('studies.plan', choice))
  expect(plan).toMatchObject({ blocking: null, sampler: 'tpe', trials: { low: 6, high: 6 }, priors: 0 })
  expect(plan.sentences.length).toBeGreaterThan(5)

  const { studyId } = unwrap(await api.call('studies.start', wanted))
  const view = await studyAtEnd(station, studyId)
  console.log(JSON.stringify(view, null, 1).slice(0, 6000))
  expect(view.study.status).toBe('finished')
  expect(view.trials.map(({ purpose }) => purpose)).toEqual([
    ...Array.from({ length: 6 }, () => 'search'),
    ...['preset', 'winner', 'preset', 'winner'],
  ])
  const checkpoints = view.trials.flatMap(({ runId }) =>
    readdirSync(join(home, 'runs', runId!)).filter((found) => found === 'checkpoints'),
  )
  expect(checkpoints).toEqual([])
})

// The first start: ticks as they come, the sample's project, and where it stands instead of the projects.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { effectScope } from 'vue'
import { isStartInstead } from '#renderer/frame/first-start.ts'
import { start } from '#renderer/words/en/start.ts'
import { type SelfTestCheck, type SelfTestCheckId, selfTestIds } from '#shared/contract/system.ts'
import { openTestPage } from './support/page.ts'

let finish: (checks: SelfTestCheck[]) => void = () => {}
const page = openTestPage({
  'system.selfTest': () =>
    new Promise((resolve) => {
      finish = (checks) => resolve({ checks })
    }),
  'projects.list': () => ({ projects: [] }),
  'projects.create': ({ name, scenario, goal }) => ({
    project: { id: 'project-1', name, goal, scenario, createdAtMs: 0 },
    draft: {},
    before: null,
    files: [],
    runs: [],
  }),
})
const { useSelfTest } = await import('#renderer/features/start/self-test.ts')
const { createSampleProject } = await import('#renderer/features/start/sample-project.ts')

const check = (id: SelfTestCheckId, isGood = true): SelfTestCheck => ({
  id,
  detail: 'found',
  problem: isGood ? null : { code: 'disk.full', message: 'm', where: 'w', remedy: 'r' },
  seconds: 0.5,
})
const tell = (one: SelfTestCheck): void => page.tell('system.selfTestCheck', one)

it('shows each tick as it comes; a fault does not stop the rest', async () => {
  const scope = effectScope()
  const test = scope.run(() => useSelfTest())!
  const states = () => test.lines.value.map(({ state }) => state)
  // A test that another page asked for is none of this one's.
  tell(check('computer'))
  expect(new Set(states())).toEqual(new Set(['waiting']))
  const running = test.run()
  const [first, second, third, ...rest] = selfTestIds
  expect(states()).toEqual(['running', ...[second, third, ...rest].map(() => 'waiting')])
  tell(check(first))
  tell(check(second, false))
  expect(states()).toEqual(['good', 'faulty', 'running', ...rest.map(() => 'waiting')])
  expect({ done: test.isDone.value, running: test.isRunning.value }).toEqual({ done: false, running: true })
  finish(selfTestIds.map((id) => check(id, id !== second)))
  await running
  expect({ done: test.isDone.value, faults: test.faults.value, seconds: test.seconds.value }).toEqual({
    done: true,
    faults: 1,
    seconds: 0.5 * selfTestIds.length,
  })
  // Once more: nothing of the first time is left.
  const again = test.run()
  expect(states()[1]).toBe('waiting')
  finish(selfTestIds.map((id) => check(id)))
  await again
  expect(test.faults.value).toBe(0)
  scope.stop()
})

it('makes the sample a project with its rows', async () => {
  const made = await createSampleProject()
  expect(made.ok).toBe(true)
  expect(page.calls.at(-1)).toMatchObject({
    name: 'projects.create',
    input: { scenario: 'classification', name: start.sampleName, withSample: true },
  })
})

it('shows a row that is really in the sample', () => {
  const rows = readFileSync('resources/samples/bike-shop-messages/messages.csv', 'utf8')
  expect(rows).toContain(`,${start.sample.message},${start.sample.team}\n`)
})

it('stands only where the projects will be, and only until it was seen through', () => {
  expect(isStartInstead('/', false)).toBe(true)
  expect(isStartInstead('/', true)).toBe(false)
  for (const path of ['/start', '/settings', '/projects/new', '/runs/r/proof'])
    expect(isStartInstead(path, false)).toBe(false)
})

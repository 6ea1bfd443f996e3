// The self-test of this computer, with real child processes.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type SelfTestCheck, selfTestIds } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'

test('every check of the self-test is done, told as it ends, and good here', {
  timeout: 60_000,
}, async () => {
  const { api } = await openWorkstation()
  const told: SelfTestCheck[] = []
  api.on('system.selfTestCheck', (check) => told.push(check))
  const [first, second] = await Promise.all([
    api.call('system.selfTest', {}),
    api.call('system.selfTest', {}),
  ])
  const { checks } = unwrap(first)
  expect(checks.map(({ id }) => id)).toEqual(selfTestIds)
  // Asked twice at a time, it is done once.
  expect(unwrap(second).checks).toEqual(checks)
  expect(told).toEqual(checks)
  // A test machine may be small; that every part starts and the journal verifies must hold anywhere.
  for (const { id, problem } of checks)
    if (id !== 'disk' && id !== 'computer') expect({ id, problem }).toEqual({ id, problem: null })
})

test('a damaged model folder is found by the self-test', { timeout: 60_000 }, async () => {
  const { api, home } = await openWorkstation()
  const folder = join(home, 'models', 'm-0123456789abcdef')
  mkdirSync(folder)
  const { checks } = unwrap(await api.call('system.selfTest', {}))
  expect(checks.find(({ id }) => id === 'models')?.problem).toMatchObject({ code: 'model.damaged' })
})

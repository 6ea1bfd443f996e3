// The self-test and the speed of this computer, with real child processes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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

test('the speed is measured in a process of its own and kept', { timeout: 60_000 }, async () => {
  const { api, home, ended } = await openWorkstation()
  expect(unwrap(await api.call('system.speed', {}))).toBeNull()
  const first = unwrap(await api.call('system.measureSpeed', {}))
  const second = unwrap(await api.call('system.measureSpeed', {}))
  expect(second.jobId).toBe(first.jobId)
  expect(await ended(first.jobId)).toMatchObject({ kind: 'speed', status: 'done', problem: null })
  const speed = unwrap(await api.call('system.speed', {}))
  expect(speed?.device).toMatch(/^onnxruntime/)
  // A processor of the last fifteen years does more than one product of 1.8 GFLOP in 3 s.
  expect(speed?.gemmGflops).toBeGreaterThan(0.5)
  // The cards of the scenarios can now say how long their sample takes.
  const { scenarios } = unwrap(await api.call('scenarios.list', {}))
  const time = scenarios.find(({ id }) => id === 'classification')?.sample.time
  expect(time?.lowSeconds).toBeGreaterThan(0.3)
  expect(time?.highSeconds).toBeGreaterThan(time?.lowSeconds ?? 0)
  const path = join(home, 'speed.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"processor": "[^"]*"/, '"processor":"another"'))
  expect(unwrap(await api.call('system.speed', {}))).toBeNull()
})

test('a cancelled measurement keeps nothing', { timeout: 60_000 }, async () => {
  const { api, ended } = await openWorkstation()
  const { jobId } = unwrap(await api.call('system.measureSpeed', {}))
  unwrap(await api.call('jobs.cancel', { jobId }))
  expect(await ended(jobId)).toMatchObject({ status: 'cancelled' })
  expect(unwrap(await api.call('system.speed', {}))).toBeNull()
})

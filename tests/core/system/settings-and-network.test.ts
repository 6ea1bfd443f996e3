// Settings that survive, a damaged file that keeps nobody from working, and the gate to other computers.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createNetworkGate } from '#core/system/network-gate.ts'
import type { NetworkUse, Settings } from '#shared/contract/index.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { openWorkstation, temporaryHome } from '../workstation/open-workstation.ts'

test('settings are kept, told, and changed field by field', async () => {
  const first = await openWorkstation()
  const told: Settings[] = []
  first.api.on('settings.changed', (settings) => told.push(settings))
  await Promise.all([
    first.api.call('settings.set', { theme: 'dark' }),
    first.api.call('settings.set', { isStarted: true }),
    first.api.call('settings.set', { experimentColumns: ['name', 'loss'] }),
  ])
  expect(told).toHaveLength(3)
  unwrap(await first.api.call('settings.set', { allowsDownloads: true }))
  expect(unwrap(await first.api.call('system.network', {}))).toEqual({
    connections: 0,
    last: null,
    isAllowed: true,
  })
  await first.close()
  const second = await openWorkstation(first.home)
  expect(unwrap(await second.api.call('settings.get', {}))).toMatchObject({
    theme: 'dark',
    isStarted: true,
    experimentColumns: ['name', 'loss'],
    allowsDownloads: true,
  })
})

test.each(['{"theme": "dark"', '[]', '\u0000\u0000\u0000'])(
  'a damaged settings file (%j) is moved aside and the usual settings are taken',
  async (text) => {
    const home = await temporaryHome()
    writeFileSync(join(home, 'settings.json'), text)
    const { api } = await openWorkstation(home)
    expect(unwrap(await api.call('settings.get', {})).theme).toBe('system')
    expect(readFileSync(join(home, 'settings.json.damaged'), 'utf8')).toBe(text)
    unwrap(await api.call('settings.set', { isStarted: true }))
    expect(existsSync(join(home, 'settings.json'))).toBe(true)
  },
)

test('what another version kept in the file is left out, and the rest still counts', async () => {
  const home = await temporaryHome()
  const path = join(home, 'settings.json')
  writeFileSync(path, '{"theme": "dark", "isAdvanced": true}')
  const { api } = await openWorkstation(home)
  expect(unwrap(await api.call('settings.get', {}))).toMatchObject({ theme: 'dark' })
  expect(existsSync(`${path}.damaged`)).toBe(false)
})

test('a value that this version does not know is its own setting only', async () => {
  const home = await temporaryHome()
  const path = join(home, 'settings.json')
  writeFileSync(path, '{"theme": "purple", "device": "tensorflow-rocm", "allowsDownloads": true}')
  const { api } = await openWorkstation(home)
  expect(unwrap(await api.call('settings.get', {}))).toMatchObject({
    theme: 'system',
    device: null,
    allowsDownloads: true,
  })
  expect(existsSync(`${path}.damaged`)).toBe(false)
})

test('the gate is closed unless downloads are allowed, and counts what goes through', async () => {
  const told: NetworkUse[] = []
  const asked: string[] = []
  let allowsDownloads = false
  const settings = { get: () => ({ allowsDownloads }) as Settings, set: () => Promise.reject(new Error()) }
  const gate = createNetworkGate(
    settings,
    (_, payload) => told.push(payload as NetworkUse),
    async (input) => {
      asked.push(String(input))
      return new Response('')
    },
  )
  const fetchModel = gate.fetchFor('a model')
  await expect(fetchModel('http://models.test/a')).rejects.toBeInstanceOf(ProblemError)
  expect(() => gate.open('packages.test', 'a model')).toThrow(ProblemError)
  expect(gate.use()).toEqual({ connections: 0, last: null, isAllowed: false })
  expect(asked).toEqual([])
  allowsDownloads = true
  await fetchModel('http://models.test/a')
  gate.open('packages.test', 'a package')
  expect(asked).toEqual(['http://models.test/a'])
  expect(gate.use()).toMatchObject({
    connections: 2,
    isAllowed: true,
    last: { host: 'packages.test', purpose: 'a package' },
  })
  expect(told.map(({ connections }) => connections)).toEqual([1, 2])
})

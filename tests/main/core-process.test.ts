// The core process as the window program sees it, with a real core: it dies, is started again once, and what waited for
// it is told; a core that cannot open its library says why.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type ChildPort, createNodeLauncher, type EntryLauncher } from '#core/system/launcher.ts'
import { type CoreProcess, type CoreState, createCoreProcess } from '#main/core-process.ts'
import type { Problem } from '#shared/result.ts'

const cleanUps: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface OpenCore {
  readonly core: CoreProcess
  readonly ports: ChildPort[]
  readonly states: [CoreState, Problem | null][]
}

function openCore(home: string): OpenCore {
  const node = createNodeLauncher()
  const ports: ChildPort[] = []
  const launcher: EntryLauncher = {
    launch(name) {
      const port = node.launch(name)
      ports.push(port)
      return port
    },
  }
  const states: [CoreState, Problem | null][] = []
  const core = createCoreProcess({
    home,
    launcher,
    moveToBin: () => Promise.reject(new Error('nothing is moved here')),
    onEvent: () => {},
    onState: (...state) => states.push(state),
  })
  cleanUps.push(() => core.close())
  return { core, ports, states }
}

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-core-'))
  cleanUps.push(() => rmSync(home, { recursive: true, force: true }))
  return home
}

test('calls made while the core starts are answered; a killed core is started again once, then no more', async () => {
  const { core, ports, states } = openCore(newHome())
  expect(core.state).toBe('starting')
  expect(await core.call('settings.get', {})).toMatchObject({ ok: true })
  expect(await core.call('projects.create', { name: 'Kept', scenario: 'domain' })).toMatchObject({ ok: true })
  const waiting = core.call('system.selfTest', {})
  ports[0]?.kill()
  expect(await waiting).toMatchObject({ ok: false, problem: { code: 'connection.lost' } })
  expect(await core.call('projects.list', {})).toMatchObject({
    ok: true,
    value: { projects: [{ project: { name: 'Kept' } }] },
  })
  ports.at(-1)?.kill()
  await expect.poll(() => core.state).toBe('down')
  expect(await core.call('settings.get', {})).toMatchObject({ problem: { code: 'connection.lost' } })
  expect(states.map(([state]) => state)).toEqual(['open', 'starting', 'open', 'down'])
  await core.close()
})

test('a library that cannot be opened is told with its own problem, and is not tried again', async () => {
  const home = newHome()
  writeFileSync(join(home, 'journal.db'), 'this is no journal')
  const { core, ports, states } = openCore(home)
  await expect.poll(() => core.state).toBe('down')
  expect(ports).toHaveLength(1)
  const problem = states.at(-1)?.[1]
  expect(problem?.code).toMatch(/^journal\./)
  expect(await core.call('settings.get', {})).toMatchObject({ problem: { code: problem?.code } })
})

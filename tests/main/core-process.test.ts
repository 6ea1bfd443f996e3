// The core process as the window program sees it, with a real core: it dies, is started again once, and what waited for
// it is told; a core that cannot open its library says why.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, expect, test } from 'vitest'
import {
  type ChildExit,
  type ChildPort,
  createNodeLauncher,
  type EntryLauncher,
} from '#core/system/launcher.ts'
import { type CoreProcess, type CoreState, createCoreProcess } from '#main/core-process.ts'
import type { FromCore, ToCore } from '#shared/core-protocol.ts'
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
    onNotices: () => {},
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
  await expect.poll(() => core.state, { timeout: 20_000 }).toBe('down')
  expect(await core.call('settings.get', {})).toMatchObject({ problem: { code: 'connection.lost' } })
  expect(states.map(([state]) => state)).toEqual(['open', 'starting', 'open', 'down'])
  await core.close()
})

/** A core that does what the test says. */
class FakeCore implements ChildPort {
  readonly pid = 1
  readonly sent: ToCore[] = []
  say: (message: FromCore) => void = () => {}
  exit: () => void = () => {}
  send(message: unknown): void {
    this.sent.push(message as ToCore)
  }
  onMessage(listener: (message: unknown) => void): void {
    this.say = listener
  }
  onExit(listener: (exit: ChildExit) => void): void {
    this.exit = () => listener({ code: 1, signal: null, lastWords: '' })
  }
  kill(): void {
    this.exit()
  }
}

test('a call whose core died before it opened is lost and is not done by the next core; what the journal says is passed on', async () => {
  const cores: FakeCore[] = []
  const notices: string[] = []
  const core = createCoreProcess({
    home: '/nowhere',
    launcher: {
      launch() {
        const started = new FakeCore()
        cores.push(started)
        return started
      },
    },
    moveToBin: () => Promise.reject(new Error('nothing is moved here')),
    onEvent: () => {},
    onState: () => {},
    onNotices: (told) => notices.push(...told),
  })
  const early = core.call('projects.create', { name: 'Once' })
  const place = core.exportPlace('unasked')
  cores[0]?.exit()
  expect(await early).toMatchObject({ ok: false, problem: { code: 'connection.lost' } })
  expect(await place).toBeNull()
  const late = core.call('settings.get', {})
  const [, second] = cores
  second?.say({ kind: 'opened', notices: ['Entries may be lost.'] })
  expect(notices).toEqual(['Entries may be lost.'])
  expect(second?.sent).toEqual([
    { kind: 'open', home: '/nowhere' },
    { kind: 'call', id: expect.any(Number), name: 'settings.get', input: {} },
  ])
  second?.exit()
  expect(await late).toMatchObject({ problem: { code: 'connection.lost' } })
  expect(core.state).toBe('down')
  await core.close()
})

test('a library that cannot be opened is told with its own problem, and is not tried again', async () => {
  const home = newHome()
  const other = new Database(join(home, 'journal.db'))
  other.exec('CREATE TABLE shopping (item TEXT)')
  other.close()
  const { core, ports, states } = openCore(home)
  await expect.poll(() => core.state, { timeout: 20_000 }).toBe('down')
  expect(ports).toHaveLength(1)
  const problem = states.at(-1)?.[1]
  expect(problem?.code).toBe('journal.foreign-file')
  expect(await core.call('settings.get', {})).toMatchObject({ problem: { code: problem?.code } })
})

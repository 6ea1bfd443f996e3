// Malformed calls of every kind to every call of the contract, over both transports (safety.md, E4): each gets a typed
// Problem, nothing throws, and the core answers afterwards. 2,000 a call in the long tests, fewer in the short ones.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { type CoreState, createCoreProcess } from '#main/core-process.ts'
import { createRouter } from '#main/router.ts'
import { type CallName, contractCalls, type HostCallName, type Reply } from '#shared/contract/index.ts'
import { type ProblemCode, problemCodes } from '#shared/problem-codes.ts'
import { fail } from '#shared/result.ts'
import { seeded } from '../support/seeded.ts'
import { openPage, openTestHost } from '../web/web-support.ts'
import { type Carriage, malformedInputs, strangeNames } from './malformed.ts'

const callsEach = process.env.TUNEWRIGHT_LONG ? 2_000 : 50
const batch = 50
const limitMs = 600_000
const names = Object.keys(contractCalls) as CallName[]
const cleanUps: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

type Call = (name: unknown, input: unknown) => Promise<Reply>

/** Every reply must be a Problem with one of these codes. Returns how many there were. */
async function fuzz(call: Call, carriage: Carriage): Promise<Map<ProblemCode, number>> {
  const counts = new Map<ProblemCode, number>()
  const chance = seeded(20_261_125)
  const judge = (name: unknown, reply: Reply): void => {
    if (reply.ok) throw new Error(`${String(name)} took a malformed input`)
    const { code, message, remedy } = reply.problem
    if (!problemCodes.includes(code) || message === '' || remedy === '')
      throw new Error(`${String(name)}: ${JSON.stringify(reply)}`)
    counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  for (const name of names) {
    const next = malformedInputs(name, chance, carriage)
    for (let made = 0; made < callsEach; made += batch)
      for (const reply of await Promise.all(Array.from({ length: batch }, () => call(name, next()))))
        judge(name, reply)
  }
  for (const name of strangeNames) judge(name, await call(name, {}))
  return counts
}

const expected = new Map<ProblemCode, number>([
  ['contract.invalid-input', names.length * callsEach],
  ['contract.unknown-call', strangeNames.length],
])

test('over the socket', { timeout: limitMs }, async () => {
  const place = await openTestHost()
  cleanUps.push(() => place.close())
  const page = await openPage(place.host)
  const counts = await fuzz((name, input) => page.call(name, input) as Promise<Reply>, 'json')
  expect(counts).toEqual(expected)
  expect(await page.call('settings.get', {})).toMatchObject({ ok: true, value: { theme: 'system' } })
  expect(page.socket.readyState).toBe(1)
})

test('through the window program to a core in a process of its own', { timeout: limitMs }, async () => {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-fuzz-'))
  cleanUps.push(() => rmSync(home, { recursive: true, force: true }))
  const states: CoreState[] = []
  const core = createCoreProcess({
    home,
    launcher: createNodeLauncher(),
    moveToBin: () => Promise.reject(new Error('a malformed call must move nothing')),
    onEvent: () => {},
    onState: (state) => states.push(state),
    onNotices: () => {},
  })
  cleanUps.push(() => core.close())
  const hostHandlers: Record<HostCallName, () => Reply> = {
    'host.pickModel': mustNotBeReached,
    'host.revealExport': mustNotBeReached,
    'host.openExternal': mustNotBeReached,
  }
  const router = createRouter({ hostHandlers, callCore: core.call })
  const asker = { url: 'app://tunewright/', isMainFrame: true, isOwnWindow: true }
  const counts = await fuzz((name, input) => router(asker, name, input), 'clone')
  expect(counts).toEqual(expected)
  expect(await core.call('settings.get', {})).toMatchObject({ ok: true, value: { theme: 'system' } })
  expect(states).toEqual(['open'])
  expect(readdirSync(join(home, 'models'))).toEqual([])
})

const mustNotBeReached = (): Reply =>
  fail({ code: 'internal.fault', message: 'reached', where: '', remedy: 'never' })

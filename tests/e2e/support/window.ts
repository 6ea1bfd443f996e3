// A suite of tests in a real Electron window: a program over a library of its own for each test, or one for all of them;
// left out where this machine cannot show one.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import type { Transport } from '#shared/contract/api.ts'
import type { CallInput, CallName, CallOutput } from '#shared/contract/contract.ts'
import { type Result, unwrap } from '#shared/result.ts'
import { ensureBuilt } from '../../../scripts/program-build.ts'
import {
  findWindowMachine,
  launchProgram,
  type OpenProgram,
  openScreen,
  startAgain,
  type TestScreen,
} from '../../support/electron.ts'
import type { TestBrowser } from './browser.ts'
import type { LastingProgram } from './lasting-search.ts'

const machine = findWindowMachine()
const limitMs = 120_000

const askPage = (page: Page, name: string, input: unknown): Promise<unknown> =>
  page.evaluate(
    ([asked, given]) =>
      (window as unknown as { tunewright: Transport }).tunewright.call(asked as string, given),
    [name, input] as const,
  )

/** The contract through the page of a window; a refusal is thrown. */
export const windowCall =
  (page: Page): TestBrowser['call'] =>
  async <C extends CallName>(name: C, input: CallInput<C>) =>
    unwrap((await askPage(page, name, input)) as Result<CallOutput<C>>)

export interface TestWindow {
  /** For files that the test brings. */
  readonly folder: string
  /** The library's folder. */
  readonly home: string
  /** The one that is open. */
  readonly program: OpenProgram
  /** Opens it again, after it has ended. */
  open(): Promise<void>
  /** Starts it a second time; gives that one's exit code. */
  startAgain(): Promise<number | null>
  /** Closes the window, with which the program ends where nothing keeps it. */
  closeByWindow(): Promise<void>
  /** The open one as a program that is ended and opened again. */
  lasting(): LastingProgram
}

/** `define` gets what is open while a test runs; before that it is empty. */
export function describeInWindow(
  title: string,
  { isShared = false },
  define: (place: TestWindow) => void,
): void {
  describe.skipIf(machine === null)(title, { timeout: limitMs }, () => {
    const place = {} as TestWindow
    let screen: TestScreen
    beforeAll(async () => {
      const fault = await ensureBuilt()
      if (fault !== null) throw new Error(fault)
      screen = await openScreen()
    }, limitMs)
    afterAll(() => screen?.close())
    const [before, after] = isShared ? [beforeAll, afterAll] : [beforeEach, afterEach]
    before(() => openWindow(place, screen), limitMs)
    after(async () => {
      await place.program.app.close().catch(() => {})
      rmSync(place.folder, { recursive: true, force: true, maxRetries: 5 })
    }, limitMs)
    define(place)
  })
}

async function openWindow(place: TestWindow, { display }: TestScreen): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-window-'))
  const places = { home: join(folder, 'home'), userData: join(folder, 'user data'), display }
  mkdirSync(places.userData)
  async function open(): Promise<void> {
    const program = await launchProgram(machine!, places)
    Object.assign(place, { program })
  }
  async function closeByWindow(): Promise<void> {
    const { app } = place.program
    const gone = new Promise((resolve) => app.process().once('exit', resolve))
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()).catch(() => {})
    await gone
  }
  const lasting = (): LastingProgram => {
    const { page, complaints } = place.program
    return { page, complaints, call: windowCall(page), close: closeByWindow }
  }
  const opened = { folder, home: places.home, open, closeByWindow, lasting }
  Object.assign(place, opened, { startAgain: () => startAgain(machine!, places) })
  await open()
}

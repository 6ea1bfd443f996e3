// The workstation in a real browser: the browser host over a library of its own, Chromium, and what tests ask of every
// screen: no fault in its console, nothing that axe finds, the same reading for a screen reader as the golden says.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { type ChildPort, createNodeLauncher, type ProcessName } from '#core/system/launcher.ts'
import { describeMachine } from '#core/system/machine.ts'
import { pageFolder } from '#core/system/program-places.ts'
import { createLastingWorkstation } from '#core/workstation/lasting-workstation.ts'
import type { Workstation } from '#core/workstation/workstation.ts'
import { devices } from '#renderer/words/en/devices.ts'
import { start } from '#renderer/words/en/start.ts'
import type { CallInput, CallName, CallOutput } from '#shared/contract/contract.ts'
import { dispatch } from '#shared/contract/dispatch.ts'
import { type Result, unwrap } from '#shared/result.ts'
import { startWebHost } from '#web/host.ts'
import { ensureBuilt } from '../../../scripts/program-build.ts'
import { findBarriers } from './barriers.ts'

const ariaFolder = join(import.meta.dirname, '..', '..', 'golden', 'aria')

/** Chromium's binary, or null with a notice; the tests are then left out. */
export function findChromium(): string | null {
  const places = [
    process.env.TUNEWRIGHT_CHROMIUM ?? '',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    chromium.executablePath(),
  ]
  const found = places.find((path) => path !== '' && existsSync(path))
  if (found !== undefined) return found
  const notice = 'the tests in a browser are left out; this machine lacks Chromium (TUNEWRIGHT_CHROMIUM).'
  if (process.env.TUNEWRIGHT_REQUIRE?.includes('browser')) throw new Error(notice)
  console.warn(`NOTICE: ${notice}`)
  return null
}

export interface TestBrowser {
  readonly page: Page
  /** The library's folder. */
  readonly home: string
  /** A folder for files that the test brings. */
  readonly folder: string
  readonly workstation: Workstation
  /** What the console said that nobody should see: errors, warnings, faults. */
  readonly complaints: readonly string[]
  /** Goes to a screen by its address: "/models". */
  open(path: string): Promise<void>
  button(name: string | RegExp): Locator
  /** Until the screen has this heading. */
  heading(name: string | RegExp): Promise<void>
  /** The contract directly, beside the page. */
  call<C extends CallName>(name: C, input: CallInput<C>): Promise<CallOutput<C>>
  /** Kills the newest child of this name with SIGKILL, as the system does when memory runs out. */
  kill(name: ProcessName): void
  close(): Promise<void>
}

/** For what is polled: the machine may be busy. */
export const soon = { timeout: 20_000 }

/** Of the run whose screen is open; empty where it is another screen. */
export const runIdOf = (page: Page): string => /#\/runs\/([^/]+)\//.exec(page.url())?.[1] ?? ''

/** The contract of a workstation; a refusal is thrown. */
export const callerOf =
  ({ handlers }: Workstation): TestBrowser['call'] =>
  async <C extends CallName>(name: C, input: CallInput<C>) =>
    unwrap((await dispatch(handlers, name, input)) as Result<CallOutput<C>>)

export const launchChromium = (executablePath: string): Promise<Browser> =>
  // Without a graphics card its drawing process now and then stalls on a busy machine: no frame comes, and no click.
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })

/**
 * Builds the page where it is out of date, prepares a library, and opens the page on it; the first start is behind it.
 * In a Chromium of its own, in a window without a past of one that is open, or in a window that showed another library
 * before: each library has an address of its own. `patienceMs`: how long a heading may take to come.
 */
export async function openTestBrowser(
  place: Browser | string | OpenedPage,
  prepare: (home: string) => Promise<unknown> = () => Promise.resolve(),
  { isStarted = true, patienceMs = 30_000 } = {},
): Promise<TestBrowser> {
  const fault = await ensureBuilt()
  if (fault !== null) throw new Error(fault)
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-browser-'))
  const home = join(folder, 'home')
  mkdirSync(home)
  await prepare(home)
  const launcher = createNodeLauncher()
  const newest = new Map<ProcessName, ChildPort>()
  const workstation = unwrap(
    createLastingWorkstation({
      home,
      launcher: {
        launch(name) {
          const port = launcher.launch(name)
          newest.set(name, port)
          return port
        },
      },
      host: {
        kind: 'browser',
        moveToBin: (path) => {
          rmSync(path, { recursive: true, force: true })
          return Promise.resolve({ ok: true, value: undefined })
        },
        pickedPath: () => null,
      },
    }),
  )
  const host = await startWebHost({
    handlers: workstation.handlers,
    pageFolder,
    onEvent: (listener) => workstation.onEvent(listener),
  })
  const browser = typeof place === 'string' ? await launchChromium(place) : null
  const isKept = typeof place === 'object' && 'complaints' in place
  const { context, page, complaints } = isKept ? place : await openPage(browser ?? (place as Browser))
  complaints.length = 0
  await page.setViewportSize(windowSize)
  const call = callerOf(workstation)
  await call('settings.set', { isStarted, theme: 'light' })
  await page.goto(host.newAddress())
  await page.getByRole('heading', { level: 1 }).waitFor()
  return {
    page,
    home,
    folder,
    workstation,
    complaints,
    open: async (path) => void (await page.goto(`${page.url().split('#')[0]}#${path}`)),
    button: (name) => page.getByRole('button', { name }),
    heading: (name) => page.getByRole('heading', { level: 1, name }).waitFor({ timeout: patienceMs }),
    call,
    kill: (name) => newest.get(name)?.kill(),
    async close() {
      if (!isKept) await context.close()
      else if (!page.isClosed()) await page.goto('about:blank')
      await browser?.close()
      await host.close()
      await workstation.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const windowSize = { width: 1280, height: 800 } as const

export interface OpenedPage {
  readonly context: BrowserContext
  readonly page: Page
  readonly complaints: string[]
}

export async function openPage(browser: Browser): Promise<OpenedPage> {
  const context = await browser.newContext({
    viewport: windowSize,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  return { context, page, complaints }
}

/** Nothing that axe finds under WCAG 2.2 AA, in light and in dark, wide and narrow. */
export async function expectAccessible({ page }: Pick<TestBrowser, 'page'>): Promise<void> {
  expect(await findBarriers(page)).toEqual([])
}

/** Without ids, numbers and months, and of a long table only its head and its first rows. */
export function maskReading(reading: string): string {
  const lines = reading
    .replace(/(project|run)-[\w-]+/g, '$1-ID')
    .replace(/\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?= \d)/g, 'MONTH')
    // A slow machine takes more than a minute.
    .replace(/\bjust now\b/g, 'today')
    .replace(/\d[\d.,]*/g, 'N')
    .split('\n')
  let rows = 0
  let skippedIndent = Number.POSITIVE_INFINITY
  const kept = lines.filter((line) => {
    const indent = line.search(/\S/)
    if (indent > skippedIndent) return false
    skippedIndent = Number.POSITIVE_INFINITY
    if (!line.trimStart().startsWith('- row ')) return true
    rows += 1
    if (rows > 3) skippedIndent = indent
    return rows <= 3
  })
  return `${kept.join('\n')}\n`
}

/** What a computer is called, how large it is and what it can compute on, on screens that say so. */
function hideComputer(reading: string): string {
  const { processor, platform } = describeMachine()
  return hideBelow(reading, [devices.heading, devices.engines.heading])
    .replaceAll(processor, 'PROCESSOR')
    .replaceAll(platform, 'PLATFORM')
    .replace(graphicsCheck, '$1GRAPHICS')
    .replace(/\b(?:Fits|Tight|Does not fit)\b/g, 'FIT')
    .replace(/Training takes about .*? (?:free|rows|memory)\./g, 'WHY.')
    .replace(/\d[\d.]* [KMGT]?B\b/g, 'SIZE')
    .replace(/(?:< )?[\d.]+ s\b/g, 'TIME')
    .replace(/\b(core|second|item)s?\b/g, '$1s')
}

/** What the self-test found of graphics cards stands below its name. */
const graphicsCheck = new RegExp(`(- paragraph: ${start.test.checks.graphics} .*\\n\\s*- paragraph: ).*`)

/** Of the regions with these names only their headings; nothing of the graphics cards, which few computers have. */
function hideBelow(reading: string, names: readonly string[]): string {
  const cards = devices.cards.heading
  let hidden = { name: '', indent: Number.POSITIVE_INFINITY }
  const lines = reading.split('\n').filter((line) => {
    const indent = line.search(/\S/)
    if (indent > hidden.indent) return hidden.name !== cards && line.includes(`- heading "${hidden.name}"`)
    const name = [...names, cards].find((one) => line.includes(`- region "${one}"`))
    hidden = { name: name ?? '', indent: name === undefined ? Number.POSITIVE_INFINITY : indent }
    return name !== cards
  })
  return lines.join('\n')
}

/**
 * The screen, or this part of it, as a screen reader meets it equals tests/golden/aria/<name>.yml; numbers are not
 * compared, because they are this computer's. TUNEWRIGHT_UPDATE_ARIA=1 writes the golden anew.
 */
export async function expectReading(
  { page, home }: TestBrowser,
  name: string,
  { isAboutComputer = false, part = page.locator('main') } = {},
): Promise<void> {
  const read = async () => {
    const reading = (await part.ariaSnapshot()).replaceAll(home, 'HOME')
    return maskReading(isAboutComputer ? hideComputer(reading) : reading)
  }
  const path = join(ariaFolder, `${name}.yml`)
  if (process.env.TUNEWRIGHT_UPDATE_ARIA === '1') {
    await page.waitForTimeout(1500)
    writeFileSync(path, await read())
  }
  // A screen may still be filling in.
  await expect.poll(read, { timeout: 10_000 }).toBe(readFileSync(path, 'utf8'))
}

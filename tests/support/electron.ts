// A real Electron window for end-to-end tests: the test Electron of scripts/test-electron.ts on a screen of its own
// (Xvfb). Null where this machine has not both; the tests then say so and are left out.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ElectronApplication, _electron as electron, type Page } from 'playwright-core'
import { testElectronFolder } from '../../scripts/test-electron.ts'

const root = join(import.meta.dirname, '../..')

export interface WindowMachine {
  readonly electronFolder: string
}

export function findWindowMachine(): WindowMachine | null {
  const folders = [testElectronFolder(), join(homedir(), '.cache', 'tunewright-test-electron')]
  const electronFolder = folders.find((folder) => existsSync(join(folder, 'electron')))
  const lacks = [
    ...(process.platform === 'linux' ? [] : ['Linux']),
    ...(electronFolder ? [] : ['a test Electron (npx node scripts/test-electron.ts)']),
    ...(hasProgram('Xvfb') ? [] : ['Xvfb (Debian: xvfb, libgtk-3-0, libnss3, libasound2, libgbm1)']),
  ]
  if (lacks.length === 0 && electronFolder) return { electronFolder }
  const notice = `the tests in an Electron window are left out; this machine lacks ${lacks.join(' and ')}.`
  if (process.env.TUNEWRIGHT_REQUIRE?.includes('window')) throw new Error(notice)
  console.warn(`NOTICE: ${notice}`)
  return null
}

function hasProgram(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface TestScreen {
  readonly display: string
  close(): void
}

/** A screen that nobody sees; it takes a number that is free. */
export async function openScreen(): Promise<TestScreen> {
  const server: ChildProcess = spawn(
    'Xvfb',
    ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  )
  const number = await new Promise<string>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}`)))
    server.stdio[3]?.once('data', (data: Buffer) => resolve(String(data).trim()))
  })
  return { display: `:${number}`, close: () => server.kill() }
}

export interface ProgramPlaces {
  readonly home: string
  readonly userData: string
  readonly display: string
}

/** Everything but the trainer runs as a child of this Node there: see src/main/launch.ts. */
const environmentOf = ({ electronFolder }: WindowMachine, { home, display }: ProgramPlaces) => {
  const { NODE_OPTIONS: _forNode, VITEST: _forVitest, ...inherited } = process.env
  return {
    ...(inherited as Record<string, string>),
    DISPLAY: display,
    ELECTRON_OVERRIDE_DIST_PATH: electronFolder,
    TUNEWRIGHT_HOME: home,
    TUNEWRIGHT_CORE_NODE: process.execPath,
  }
}
const parametersOf = ({ userData }: ProgramPlaces): string[] => [
  root,
  '--no-sandbox',
  '--disable-gpu',
  `--user-data-dir=${userData}`,
]

export interface OpenProgram {
  readonly app: ElectronApplication
  readonly page: Page
  /** What the page said on its console, errors of its policy among them. */
  readonly complaints: string[]
}

/** How long Playwright may take to notice the window on a busy machine. */
const noticedMs = 10_000
const launches = 4

/**
 * Through Playwright's own loader, which holds `ready` until it listens; by the binary's path alone it may come late.
 * Without `--disable-gpu` this Electron now and then (6 of 27 starts beside five busy loops, without Playwright too) did not
 * come to its page: its drawing process fails to start on Xvfb, and the page waits for it. With the switch 32 of 32 came.
 * A living window that does not come to its page is started anew.
 */
export async function launchProgram(machine: WindowMachine, places: ProgramPlaces): Promise<OpenProgram> {
  process.env.ELECTRON_OVERRIDE_DIST_PATH = machine.electronFolder
  for (let attempt = 1; ; attempt += 1) {
    const app = await electron.launch({
      cwd: root,
      args: parametersOf(places),
      env: environmentOf(machine, places),
      timeout: 60_000,
    })
    const complaints: string[] = []
    app.on('window', (page) => {
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
    })
    try {
      return { app, page: await app.firstWindow({ timeout: noticedMs }), complaints }
    } catch (error) {
      await assertWindowIsThere(app)
      await app.close()
      if (attempt === launches) throw error
    }
  }
}

/** Only a living window that has not come to its page is a reason to start anew; none or a dead page is the program's fault. */
async function assertWindowIsThere(app: ElectronApplication): Promise<void> {
  const windows = await app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows().map(({ webContents }) => ({
      url: webContents.getURL(),
      isCrashed: webContents.isCrashed(),
    })),
  )
  if (windows.length !== 1 || windows[0]?.isCrashed)
    throw new Error(`The program opened no sound window: ${JSON.stringify(windows)}`)
}

/** Starts the program once more, by itself; gives its exit code. */
export function startAgain(machine: WindowMachine, places: ProgramPlaces): Promise<number | null> {
  const child = spawn(join(machine.electronFolder, 'electron'), parametersOf(places), {
    env: environmentOf(machine, places),
    stdio: 'ignore',
  })
  return new Promise((resolve) => child.once('exit', resolve))
}

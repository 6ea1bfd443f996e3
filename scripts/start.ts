// `npm start`: the desktop program in a window; where its runtime cannot be had or there is no screen, the browser host.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runWeb } from '../src/cli/commands/web.ts'
import { ensureBuilt } from './program-build.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const electronPackage = join(root, 'node_modules', 'electron')
/** A window that is gone so soon, with a fault, never was one: a system library is missing. */
const failedStartMs = 5_000

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** The runtime's program file; fetched once where it is missing. Null where it cannot be had. */
function findElectron(): string | null {
  const ownFolder = process.env.ELECTRON_OVERRIDE_DIST_PATH
  const nameFile = join(electronPackage, 'path.txt')
  const fileIn = (folder: string): string | null => {
    const name = existsSync(nameFile) ? readFileSync(nameFile, 'utf8') : 'electron'
    const file = join(folder, name)
    return existsSync(file) ? file : null
  }
  if (ownFolder) return fileIn(ownFolder)
  const folder = join(electronPackage, 'dist')
  if (fileIn(folder) === null && existsSync(electronPackage)) {
    say('Fetching the window’s runtime, Electron (once, about 110 MB)…')
    spawnSync(process.execPath, [join(electronPackage, 'install.js')], { stdio: 'ignore', timeout: 600_000 })
  }
  return fileIn(folder)
}

/** Why there can be no window here; null where there can. */
const noScreen = (): string | null =>
  process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY
    ? 'There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so Tunewright opens in a browser instead.'
    : null

/** Resolves with true when the window was there and is closed again, or when it was told to end. */
function runWindow(electron: string): Promise<boolean> {
  const startedMs = Date.now()
  const isRoot = process.getuid?.() === 0
  // Flags for this Node are none that Electron takes.
  const { NODE_OPTIONS: _forNode, ...environment } = process.env
  const child = spawn(electron, [root, ...(isRoot ? ['--no-sandbox'] : [])], {
    stdio: 'inherit',
    env: environment,
  })
  // Ctrl-C reaches the window's program by itself.
  let isAsked = false
  process.on('SIGINT', () => {
    isAsked = true
  })
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      isAsked = true
      child.kill(signal)
    })
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(isAsked || code === 0 || Date.now() - startedMs > failedStartMs))
  })
}

function runBrowserHost(reason: string): Promise<void> {
  say(reason)
  return runWeb({ home: undefined, opensBrowser: true })
}

async function start(): Promise<void> {
  const fault = await ensureBuilt(() => say('Building the program (some seconds)…'))
  if (fault !== null) {
    say(`The program could not be built.\n${fault}`)
    process.exitCode = 1
    return
  }
  const reason = noScreen()
  if (reason !== null) return runBrowserHost(reason)
  const electron = findElectron()
  if (electron === null)
    return runBrowserHost(
      'Electron, the window’s runtime, cannot be fetched here, so Tunewright opens in a browser instead.',
    )
  if (!(await runWindow(electron)))
    return runBrowserHost('The window could not be opened here, so Tunewright opens in a browser instead.')
}

await start()

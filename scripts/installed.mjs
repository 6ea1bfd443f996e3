// Runs a task of this repository with everything it needs, on a machine that has only Node 20 and git: installs the
// packages when the lock file changed, then starts the task on the Node version of node_modules (24).
// Plain JavaScript on purpose: it runs before anything is installed.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeLock } from './install-lock.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const isWindows = process.platform === 'win32'
const marker = join(root, 'node_modules', '.installed-from-lock')
/** Outside of node_modules, which npm clears away first. */
const installing = join(root, '.cache', 'installing')

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/**
 * Between npm and this process stands a shell, which passes no signal on: asked to end, npm and the shell go, and nobody
 * tells this process. So it looks whether its parent is still there; where npm did not start it, it may outlive that.
 */
function whenLeftByNpm(end) {
  if (process.env.npm_lifecycle_event === undefined) return () => {}
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    end()
  }, 250)
  return () => clearInterval(timer)
}

const isInstalled = () => existsSync(marker) && readFileSync(marker, 'utf8') === lockHash()

/**
 * Installs exactly what the lock file names; says so, because it takes about a minute. Where another command is at it, that
 * one is waited for: two of them at once would clear the folder away under each other.
 */
export async function ensureInstalled() {
  if (isInstalled()) return
  const unwatch = whenLeftByNpm(() => process.exit(130))
  const lock = await takeLock(installing, sayWaiting).catch(refuseFolder)
  unwatch()
  let code = 0
  try {
    if (!isInstalled()) code = await install(lock)
  } finally {
    lock.release()
  }
  if (code !== 0) process.exit(code)
}

function sayWaiting(pid) {
  const who = pid === null ? '' : ` (process ${pid})`
  process.stderr.write(
    `Another command is installing the packages Tunewright needs${who}. This one goes on when that is done…\n`,
  )
}

function refuseFolder(error) {
  process.stderr.write(
    `The packages could not be installed: nothing can be written in ${root}\n  what to do: see to it that you may write there and that its disk has space, then run the command again.\n${error.message}\n`,
  )
  process.exit(1)
}

/** The exit code: 0 where everything is there now. Asked to end, npm ends first, so that nobody goes on in the folder. */
async function install(lock) {
  const wanted = lockHash()
  process.stderr.write('Installing the packages Tunewright needs (once, about a minute)…\n')
  const npm = process.env.npm_execpath
  const [command, first] = npm ? [process.execPath, [npm]] : [isWindows ? 'npm.cmd' : 'npm', []]
  const child = spawn(command, [...first, 'ci', '--loglevel=error', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: !npm && isWindows,
  })
  if (child.pid !== undefined) lock.also(child.pid)
  let isStopped = false
  const stop = () => {
    isStopped = true
    child.kill('SIGTERM')
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, stop)
  const unwatch = whenLeftByNpm(stop)
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(1))
    child.once('close', (exitCode) => resolve(exitCode ?? 1))
  })
  unwatch()
  for (const signal of signals) process.off(signal, stop)
  if (isStopped) return 130
  if (code === 0) writeFileSync(marker, wanted)
  else
    process.stderr.write(
      'The packages could not be installed.\n  what to do: read what npm says above. Most often this computer does not reach a package registry, or its disk is full; mend that, then run the command again.\n',
    )
  return code
}

/**
 * The file to start for a command. On Windows the others are scripts for the shell; Node is started without one, so that
 * file names with blanks or quotation marks arrive as they were typed.
 */
const programOf = (command) =>
  command === 'node'
    ? { path: join(root, 'node_modules', 'node', 'bin', isWindows ? 'node.exe' : 'node'), shell: false }
    : { path: join(bin, command), shell: isWindows }

/**
 * Runs a program of node_modules on the project's own Node; ends this process with its exit code on failure. Ctrl-C is
 * left to the program: this process waits until it has saved what it must and is gone.
 */
export async function runInstalled(command, parameters, { environment = {}, cwd = root } = {}) {
  const { path, shell } = programOf(command)
  const child = spawn(path, parameters, {
    cwd,
    stdio: 'inherit',
    shell,
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
      ...environment,
    },
  })
  const wait = () => {}
  const passOn = (signal) => child.kill(signal)
  process.on('SIGINT', wait)
  process.on('SIGTERM', passOn)
  process.on('SIGHUP', passOn)
  const unwatch = whenLeftByNpm(() => passOn('SIGTERM'))
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(1))
    child.once('close', (exitCode) => resolve(exitCode ?? 1))
  })
  unwatch()
  process.off('SIGINT', wait)
  process.off('SIGTERM', passOn)
  process.off('SIGHUP', passOn)
  if (code !== 0) process.exit(code)
}

/** Makes out/ where a source has changed since it was made. */
const ensureBuilt = () => runInstalled('node', ['scripts/program-build.ts'])

/** What hints call the program, for who has a clone. */
const ownCommand = { TUNEWRIGHT_COMMAND: 'npm run tunewright --' }

/** The command line, in the folder where the person typed the command, so that file names mean what they see. */
export async function runCommandLine(parameters) {
  if (parameters.includes('web')) await ensureBuilt()
  return runInstalled('node', [join(root, 'src', 'cli', 'main.ts'), ...parameters], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    environment: ownCommand,
  })
}

const types = ['pure', 'formats', 'node', 'tests']
const tasks = {
  start: (rest) => runInstalled('node', ['scripts/start.ts', ...rest], { environment: ownCommand }),
  package: (rest) => runInstalled('node', ['scripts/package.ts', ...rest]),
  'package:dir': (rest) => runInstalled('node', ['scripts/package.ts', '--dir', ...rest]),
  web: (rest) => runCommandLine(['web', ...rest]),
  demo: (rest) => runCommandLine(['demo', ...rest]),
  async test(rest) {
    await runInstalled('node', ['scripts/fetch-test-models.ts'])
    await runInstalled('vitest', ['run', ...rest])
  },
  async 'test:long'(rest) {
    await runInstalled('node', ['scripts/fetch-test-models.ts'])
    await runInstalled('vitest', ['run', ...rest], { environment: { TUNEWRIGHT_LONG: '1' } })
  },
  'test:device': (rest) => runInstalled('node', ['scripts/test-device.ts', ...rest]),
  async check() {
    for (const environment of types) await runInstalled('tsc', ['-p', `tsconfig.${environment}.json`])
    // Writes the types of the page's theme, which the check below needs on a fresh clone.
    await runInstalled('node', ['scripts/renderer-build.ts'])
    await runInstalled('vue-tsc', ['-p', 'tsconfig.renderer.json'])
    await runInstalled('biome', ['ci', '--error-on-warnings', '.'])
    await runInstalled('depcruise', ['src'])
    await runInstalled('node', ['scripts/duplicates.ts'])
  },
  build: ensureBuilt,
  'bench:memory': (rest) => runInstalled('node', ['bench/memory.ts', ...rest]),
  'bench:step': (rest) => runInstalled('node', ['bench/step.ts', ...rest]),
  'bench:device': (rest) => runInstalled('node', ['bench/device-step.ts', ...rest]),
  'bench:epoch': (rest) => runInstalled('node', ['bench/epoch.ts', ...rest]),
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [task, ...rest] = process.argv.slice(2)
  const run = tasks[task]
  if (!run) {
    process.stderr.write(`usage: node scripts/installed.mjs ${Object.keys(tasks).join('|')}\n`)
    process.exit(2)
  }
  await ensureInstalled()
  await run(rest)
}

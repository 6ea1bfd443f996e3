// Runs a task of this repository with everything it needs, on a machine that has only Node 20 and git: installs the
// packages when the lock file changed, then starts the task on the Node version of node_modules (24).
// Plain JavaScript on purpose: it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const marker = join(root, 'node_modules', '.installed-from-lock')

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** Installs exactly what the lock file names; says so, because it takes about a minute. */
export function ensureInstalled() {
  const wanted = lockHash()
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return
  process.stderr.write('Installing the packages Tunewright needs (once, about a minute)…\n')
  const npm = process.env.npm_execpath
  const [command, first] = npm
    ? [process.execPath, [npm]]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
  const done = spawnSync(command, [...first, 'ci', '--loglevel=error', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: !npm && process.platform === 'win32',
  })
  if (done.status !== 0) {
    process.stderr.write(
      'The packages could not be installed.\n  what to do: check that this computer reaches a package registry, then run the command again.\n',
    )
    process.exit(1)
  }
  writeFileSync(marker, wanted)
}

/** Runs a program of node_modules on the project's own Node; ends this process with its exit code on failure. */
export function runInstalled(command, parameters, { environment = {}, cwd = root } = {}) {
  const done = spawnSync(join(bin, command), parameters, {
    cwd,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
      ...environment,
    },
  })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

/** The command line, in the folder where the person typed the command, so that file names mean what they see. */
export function runCommandLine(parameters) {
  runInstalled('node', [join(root, 'src', 'cli', 'main.ts'), ...parameters], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
  })
}

const types = ['pure', 'formats', 'node', 'tests']
const tasks = {
  demo: (rest) => runCommandLine(['demo', ...rest]),
  test(rest) {
    runInstalled('node', ['scripts/fetch-test-models.ts'])
    runInstalled('vitest', ['run', ...rest])
  },
  'test:long'(rest) {
    runInstalled('node', ['scripts/fetch-test-models.ts'])
    runInstalled('vitest', ['run', ...rest], { environment: { TUNEWRIGHT_LONG: '1' } })
  },
  check() {
    for (const environment of types) runInstalled('tsc', ['-p', `tsconfig.${environment}.json`])
    runInstalled('vue-tsc', ['-p', 'tsconfig.renderer.json'])
    runInstalled('biome', ['ci', '--error-on-warnings', '.'])
    runInstalled('depcruise', ['src'])
    runInstalled('node', ['scripts/duplicates.ts'])
  },
  build: (rest) => runInstalled('electron-vite', ['build', ...rest]),
  'bench:step': (rest) => runInstalled('node', ['bench/step.ts', ...rest]),
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [task, ...rest] = process.argv.slice(2)
  const run = tasks[task]
  if (!run) {
    process.stderr.write(`usage: node scripts/installed.mjs ${Object.keys(tasks).join('|')}\n`)
    process.exit(2)
  }
  ensureInstalled()
  run(rest)
}

// The command line as real processes over a library of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeTinyModel } from '../processes/tiny-model.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

export interface Running {
  readonly child: ChildProcess
  readonly done: Promise<Finished>
  /** What it said of its progress so far. */
  heard(): string
}

const root = join(import.meta.dirname, '../..')
const node = join(root, 'node_modules/.bin/node')
const parametersFor = (home: string, parameters: readonly string[]): string[] => [
  '--disable-warning=ExperimentalWarning',
  join(root, 'src/cli/main.ts'),
  ...['--home', home, ...parameters],
]

/** Waits for its end; nothing else of this process goes on meanwhile. */
export function runWith(home: string, ...parameters: string[]): Finished {
  const { status, stdout, stderr } = spawnSync(node, parametersFor(home, parameters), { encoding: 'utf8' })
  return { code: status, out: stdout, error: stderr }
}

export function startWith(home: string, cwd: string, parameters: readonly string[]): Running {
  const child = spawn(node, parametersFor(home, parameters), { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let error = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text
  })
  const done = new Promise<Finished>((resolve) =>
    child.once('close', (code) => resolve({ code, out, error })),
  )
  return { child, done, heard: () => error }
}

export interface Terminal {
  /** The folder that commands begin in. */
  readonly work: string
  readonly home: string
  readonly csv: string
  readonly recipe: string
  start(...parameters: string[]): Running
  run(...parameters: string[]): Promise<Finished>
  runJson<T>(...parameters: string[]): Promise<T>
  close(): void
}

/** With the tiny model in the library, and rows and a recipe for it in the folder. */
export async function openTerminal(): Promise<Terminal> {
  const work = mkdtempSync(join(tmpdir(), 'tunewright-cli-'))
  const home = join(work, 'library')
  const csv = join(work, 'messages.csv')
  const recipe = join(work, 'recipe.yaml')
  const start = (...parameters: string[]): Running => startWith(home, work, parameters)
  const run = (...parameters: string[]): Promise<Finished> => start(...parameters).done
  async function runJson<T>(...parameters: string[]): Promise<T> {
    const finished = await run('--json', ...parameters)
    if (finished.code !== 0) throw new Error(finished.error)
    return JSON.parse(finished.out) as T
  }
  writeFileSync(csv, messagesCsv(60))
  const { id } = await runJson<{ id: string }>('models', 'add', writeTinyModel(join(work, 'tiny')))
  writeFileSync(
    recipe,
    [
      'name: Tiny',
      'scenario: classification',
      `model: ${id}`,
      'data: { path: messages.csv, columns: { text: message, label: team } }',
      'method: { rank: 4, alpha: 8 }',
      'optimizer: { learningRate: 0.01 }',
      'batch: { microRows: 4, maxTokens: 400 }',
      // So long that a quick machine is not done when a Ctrl-C or a kill arrives.
      'duration: { epochs: 6 }',
      'threads: 1',
    ].join('\n'),
  )
  const close = (): void => rmSync(work, { recursive: true, force: true })
  return { work, home, csv, recipe, start, run, runJson, close }
}

export async function heardLine(running: Running, pattern: RegExp): Promise<void> {
  while (!pattern.test(running.heard())) {
    if (running.child.exitCode !== null) throw new Error(`ended early: ${running.heard()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** kill -9 of the trainer that this program started. */
export function killTrainer(pid: number): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  const isTrainer = (child: string): boolean =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('trainer')
  process.kill(Number(children.find(isTrainer)), 'SIGKILL')
}
